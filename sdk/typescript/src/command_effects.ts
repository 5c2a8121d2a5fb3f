/** Changes by commands of this device, brought into the store before their pushes come. */

import {
  applyHidden,
  applyPreference,
  applyRead,
  applyVote,
  type CommandAnswer,
  type CommandParams,
} from "./incoming.js";
import type { Journal } from "./journal.js";
import type { Conversation, Preference, ReadMark } from "./protocol.js";
import type { Replica } from "./replica.js";

/** Methods whose `entry_seq` is of the user's own log, or that write there. */
const IN_USER_LOG =
  /^(relation\.|user\.|app_password\.|message\.(un)?(favourite|schedule)$|message\.reschedule$)/;
const READS = new Set([
  "relation.get",
  "relation.friends",
  "relation.blocked",
  "relation.requests",
  "user.get",
  "user.me",
  "user.search",
  "user.list",
  "user.list_devices",
  "app_password.list",
  "group.get",
  "group.members",
  "group.bans",
  "group.preview",
  "group.join_requests",
  "group.link_list",
]);

/** The effects of answered commands on the local store. */
export class CommandEffects {
  constructor(
    private readonly journal: Journal,
    private readonly replica: Replica,
  ) {}

  /** Bring the store to where this answer is. */
  async apply(method: string, params: CommandParams, result: CommandAnswer): Promise<void> {
    const id = params.conversation_id ?? "";
    if (READS.has(method)) return;
    if (IN_USER_LOG.test(method)) await this.replica.reachUserLog();
    else if (id && result.entry_seq) {
      await this.replica.reach(id, result.entry_seq);
      if (method === "poll.vote") await this.journal.run((step) => applyVote(step, id, params));
    } else if (method.startsWith("conversation.open_")) {
      await this.replica.learn(result as unknown as Conversation);
    } else if (method === "group.create") {
      await this.replica.refresh(result.info?.group?.conversation_id ?? "");
    } else if (method === "group.join" || method === "group.link_join") {
      if (result.state === "joined") await this.replica.refresh(result.conversation_id ?? "");
    } else if (method === "group.leave") {
      await this.leave(id);
    } else if (method.startsWith("group.") && id) {
      await this.replica.refresh(id);
    } else {
      await this.applyToConversation(method, params, result);
    }
  }

  private async applyToConversation(
    method: string,
    params: CommandParams,
    result: CommandAnswer,
  ): Promise<void> {
    await this.journal.run(async (step) => {
      const id = params.conversation_id ?? "";
      if (method === "conversation.preference" || method === "conversation.clear") {
        await applyPreference(step, result as unknown as Preference);
      } else if (method === "conversation.read") {
        const mark = result as unknown as ReadMark;
        await applyRead(step, id, mark.read_seq, mark.read_ordinal);
      } else if (method === "conversation.hide_messages") {
        await applyHidden(step, id, params.seqs ?? []);
      }
    });
  }

  private async leave(id: string): Promise<void> {
    await this.journal.run((step) => {
      step.updateRecord(id, (record) => ({ ...record, active: false }));
    });
  }
}
