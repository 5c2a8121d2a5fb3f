/** One stop of the Tab key per list; the arrow keys, Home and End go from item to item. */
export function onListKey(event: KeyboardEvent, selector = "[data-item]"): void {
  const step = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined && event.key !== "Home" && event.key !== "End") return;
  const target = event.target as HTMLElement;
  if (target.matches("input, textarea, select")) return;
  const items = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(selector)];
  if (items.length === 0) return;
  const at = items.findIndex((item) => item === target || item.contains(target));
  const next = event.key === "Home" ? 0 : event.key === "End" ? items.length - 1 : at + (step ?? 0);
  const item = items[Math.max(0, Math.min(items.length - 1, next))];
  event.preventDefault();
  item?.focus();
}
