// The page's own buttons open the chat; logging out leaves nothing of it in this browser.
const chat = document.querySelector("hongyan-chat");
for (const button of document.querySelectorAll("[data-chat=open]")) {
  button.addEventListener("click", () => chat?.open());
}
chat?.addEventListener("hongyan-message", ({ detail }) => {
  const last = document.querySelector("dd.last, [aria-current] .last");
  if (last && detail.text) last.textContent = detail.text;
});
const leaving = document.querySelector('form[action="/logout"]');
leaving?.addEventListener("submit", async (event) => {
  if (!chat?.logOut || leaving.dataset.done) return;
  event.preventDefault();
  leaving.dataset.done = "1";
  await Promise.race([chat.logOut(), new Promise((resolve) => setTimeout(resolve, 2000))]).catch(() => {});
  leaving.requestSubmit();
});
