import type { Message, TimelineItem, wire } from "@hongyan/sdk";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { followLanguage, t } from "../src/i18n/index.js";
import { clock, daysAgo, duration, fileSize, stamp } from "../src/i18n/when.js";
import { rows } from "../src/model/grouping.js";
import { contentLine, eventLine } from "../src/model/preview.js";
import { isLargeEmoji, mentionsOf, segments, textContent } from "../src/model/rich.js";
import { conversationPath, parse } from "../src/model/router.js";
import { change } from "../src/model/settings.js";
import { pictureSize } from "../src/views/content/MediaView.js";
import { shrink } from "../src/views/composer/Recorder.js";
import { bars } from "../src/views/content/VoicePlayer.js";

beforeAll(async () => {
  change({ language: "en" });
  await followLanguage();
});

const NOON = new Date(2024, 4, 17, 12).getTime();
const MINUTE = 60_000;
let seq = 0;

function said(sender: string, minutes: number, over: Partial<Message> = {}): Message {
  seq += 1;
  const content = { type: "text", text: "hello" };
  const sentAtMs = NOON + minutes * MINUTE;
  return { type: "message", key: `k${seq}`, seq, sender, sentAtMs, content, ...over } as unknown as Message;
}

const happened = (event: string, body: object) =>
  ({ type: "event", key: event, seq: 1, sender: "ann", sentAtMs: NOON, event, body }) as unknown as Extract<
    TimelineItem,
    { type: "event" }
  >;

describe("rows", () => {
  it("join what one sender says within five minutes", () => {
    const drawn = rows([said("ann", 0), said("ann", 4), said("ann", 10), said("bob", 11)], 0, "me");
    expect(drawn.map((row) => [row.first, row.last])).toEqual([
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ]);
    expect(drawn.map((row) => row.firstOfDay)).toEqual([true, false, false, false]);
  });

  it("draw the date when the day changes, and end the run there", () => {
    const drawn = rows([said("ann", 719), said("ann", 721)], 0, "me");
    expect(drawn[1]).toMatchObject({ firstOfDay: true, first: true });
  });

  it("draw the line of the unread once, before what others said", () => {
    const items = [said("ann", 0), said("me", 1), said("ann", 2), said("ann", 3)];
    const drawn = rows(items, items[0]?.seq ?? 0, "me");
    expect(drawn.map((row) => row.firstUnread)).toEqual([false, false, true, false]);
    expect(rows(items, 0, "me").some((row) => row.firstUnread)).toBe(false);
  });

  it("do not join a recalled message", () => {
    const drawn = rows([said("ann", 0), said("ann", 1, { content: null }), said("ann", 2)], 0, "me");
    expect(drawn.map((row) => row.first)).toEqual([true, true, true]);
  });
});

describe("rich text", () => {
  it("counts characters, not code units", () => {
    const content = textContent("🪿🪿 @Bob hi", [{ text: "@Bob", userId: "u1" }]);
    expect(content.entities).toEqual([{ type: "mention", offset: 3, length: 4, user_id: "u1" }]);
    expect(segments(content.text, content.entities).map((one) => one.text)).toEqual(["🪿🪿 ", "@Bob", " hi"]);
    expect(mentionsOf(content)).toEqual([{ text: "@Bob", userId: "u1" }]);
  });

  it("mentions the longer of two names that begin alike only once", () => {
    const both = [
      { text: "@Bobby", userId: "u2" },
      { text: "@Bob", userId: "u1" },
    ];
    expect(textContent("@Bobby and @Bob", both).entities?.map((one) => one.user_id)).toEqual(["u2", "u1"]);
  });

  it("drops a mention that was deleted from the text", () => {
    expect(textContent("hi", [{ text: "@Bob", userId: "u1" }]).entities).toBeUndefined();
  });

  it("makes links of addresses, without the full stop behind them", () => {
    const parts = segments("See https://example.org/a?b=c. 好的https://example.org", undefined);
    expect(parts.filter((one) => one.url).map((one) => one.url)).toEqual([
      "https://example.org/a?b=c",
      "https://example.org",
    ]);
  });

  it("never links to a script", () => {
    expect(segments("javascript:alert(1) data:text/html,x", undefined).some((one) => one.url)).toBe(false);
  });

  it("draws up to three emoji large", () => {
    expect(["🎉", "👍🏽👍", "👩‍👩‍👧", "🇨🇳", " ❤️ "].map(isLargeEmoji)).toEqual([true, true, true, true, true]);
    expect(["a🎉", "🎉🎉🎉🎉", "12", ""].map(isLargeEmoji)).toEqual([false, false, false, false]);
  });
});

describe("lines", () => {
  it("say what a message holds", () => {
    const poll = { type: "poll", question: "Where?", options: ["a", "b"] } as unknown as wire.Poll;
    expect(contentLine(poll)).toBe("Poll: Where?");
    expect(contentLine({ type: "text", text: "two\n lines" } as wire.Text)).toBe("two lines");
    expect(contentLine({ type: "image", caption: "us" } as unknown as wire.Image)).toBe("Photo us");
    expect(contentLine({ type: "hologram" } as never)).toBe(t("content.unknown"));
  });

  it("say what happened", () => {
    const name = (id: string) => ({ ann: "Ann", b: "Bob", e: "Eve" })[id] ?? id;
    const line = (event: string, body: object) => eventLine(happened(event, body), name);
    expect(line("members.joined", { user_ids: ["b", "e"], how: "invited" })).toBe("Ann added Bob, Eve");
    expect(line("members.joined", { user_ids: ["ann"], how: "free" })).toBe("Ann joined");
    expect(line("members.left", { user_ids: ["b"], why: "kicked" })).toBe("Ann removed Bob");
    expect(line("conversation.changed", { muted_all: false })).toBe("Ann let everybody write again");
    expect(line("message.pinned", { pinned: true })).toBe("Ann pinned a message");
  });
});

describe("times", () => {
  it("are short in a list", () => {
    expect(stamp(NOON, NOON + MINUTE)).toBe(clock(NOON));
    expect(stamp(NOON, NOON + 1440 * MINUTE)).toBe("Yesterday");
    expect(stamp(NOON, NOON + 3 * 1440 * MINUTE)).toBe("Fri");
    expect(stamp(NOON, NOON + 30 * 1440 * MINUTE)).toBe("17/05");
    expect(stamp(0, NOON)).toBe("");
    expect(daysAgo(new Date(2024, 4, 16, 23, 59).getTime(), NOON)).toBe(1);
  });

  it("and sizes are for people", () => {
    expect([0, 999, 1000, 1_540_000, 123_456_789].map(fileSize)).toEqual(["0 B", "999 B", "1.0 kB", "1.5 MB", "123 MB"]);
    expect([0, 59_600, 3_661_000].map(duration)).toEqual(["0:00", "1:00", "61:01"]);
  });
});

describe("addresses", () => {
  it("lead to what they name, and back", () => {
    expect(parse(conversationPath("g1", 7))).toEqual({ name: "conversation", id: "g1", seq: 7 });
    expect(parse("/c/g%2F1/m/x")).toEqual({ name: "conversation", id: "g/1", seq: 0 });
    expect(parse("/join/abc")).toEqual({ name: "join", token: "abc" });
    expect(parse("/nowhere")).toEqual({ name: "chats" });
  });
});

describe("media", () => {
  it("keep their shape in the timeline", () => {
    expect(pictureSize(4000, 1000)).toEqual({ width: 320, height: 80 });
    expect(pictureSize(20, 20)).toEqual({ width: 96, height: 64 });
    expect(pictureSize()).toEqual({ width: 240, height: 180 });
  });

  it("have a waveform of as many bars as fit", () => {
    expect(shrink([1, 5, 2, 9], 2)).toEqual([5, 9]);
    expect(bars([31], 3)).toEqual([31, 31, 31]);
    expect(bars([], 2)).toEqual([4, 4]);
  });
});

describe("the language", () => {
  it("has plurals and values", async () => {
    expect(t("chats.unread", { n: 1 })).toBe("1 unread message");
    expect(t("chats.unread", { n: 2 })).toBe("2 unread messages");
    change({ language: "zh" });
    await vi.waitFor(() => expect(t("chats.unread", { n: 2 })).toBe("2 条未读"));
    change({ language: "en" });
  });
});
