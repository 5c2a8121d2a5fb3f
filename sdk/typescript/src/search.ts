/** Searching in what this device keeps. */

import type { Message } from "./api.js";
import type { Operations } from "./core.js";
import { wordsOf } from "./fold.js";
import type { Journal } from "./journal.js";

const BATCH = 500;

/** Look through the kept messages, the newest of each conversation first. */
export async function searchMessages(
  journal: Journal,
  args: Operations["searchMessages"]["args"],
): Promise<Message[]> {
  const words = args.query.toLowerCase().split(/\s+/).filter(Boolean);
  const ids = args.conversationId ? [args.conversationId] : [...journal.records.keys()];
  const found: Message[] = [];
  for (const id of words.length > 0 ? ids : []) {
    let to = journal.records.get(id)?.tip ?? 0;
    while (to > 0) {
      const items = await journal.run((step) => step.newest(id, to, BATCH));
      for (const item of items) {
        if (item.type !== "message") continue;
        const text = wordsOf(item).toLowerCase();
        if (words.every((word) => text.includes(word))) found.push(item);
      }
      to = items.length < BATCH ? 0 : (items[0]?.seq ?? 1) - 1;
    }
  }
  found.sort((a, b) => b.sentAtMs - a.sentAtMs);
  return found.slice(0, args.limit);
}
