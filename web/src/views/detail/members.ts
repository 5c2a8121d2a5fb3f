import type { Client, wire } from "@hongyan/sdk";

/** Find one member of a group; undefined where they are none. Looks through at most 2,000. */
export async function findMember(client: Client, id: string, userId: string): Promise<wire.MemberInfo | undefined> {
  let after = "";
  for (let page = 0; page < 4; page += 1) {
    const { members, next_after } = await client.groups.members(id, after, 500);
    const found = members.find((member) => member.user_id === userId);
    if (found || !next_after) return found;
    after = next_after;
  }
  return undefined;
}
