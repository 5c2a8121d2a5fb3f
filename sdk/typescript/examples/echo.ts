import { Client } from "@hongyan/sdk";

const [url, handle, password] = process.argv.slice(2) as [string, string, string];
const client = await Client.create({ url });
client.on("message", async ({ conversation, message }) => {
  if (message.content?.type !== "text" || message.sender === client.me.value?.user_id) return;
  await client.conversation(conversation.id).send(message.content.text);
});
await client.logIn({ identifier: handle, password, platform: "bot" });
