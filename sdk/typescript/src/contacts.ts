/** Friends, requests and blocks as a view works with them. */

import type { Contacts, Observable, Unsubscribe } from "./api.js";
import type { Core } from "./core.js";
import { HongyanError } from "./errors.js";
import { Value } from "./observable.js";
import type {
  FriendRequestInfo as FriendRequest,
  Methods,
  Person,
  Requested,
  Requests,
} from "./protocol.js";
import type { UserCache } from "./users.js";

const PAGE = 100;
const TIMEOUT_MS = 30_000;
/** Kinds of the user's log after which the requests are others. */
const CHANGES = new Set(["friend.requested", "friend.answered", "relation.changed"]);

/** A list of the server's that is fetched when somebody first looks. */
class Asked<T> implements Observable<T> {
  private readonly held: Value<T>;
  private isWanted = false;

  constructor(
    empty: T,
    private readonly ask: () => Promise<T>,
  ) {
    this.held = new Value(empty);
  }

  get value(): T {
    this.want();
    return this.held.value;
  }

  subscribe(listener: (value: T) => void): Unsubscribe {
    this.want();
    return this.held.subscribe(listener);
  }

  /** Fetch it again, if anybody ever looked. */
  again(): void {
    if (!this.isWanted) return;
    this.ask().then(
      (value) => this.held.set(value),
      (error) => {
        if (!(error instanceof HongyanError)) throw error;
      },
    );
  }

  private want(): void {
    if (this.isWanted) return;
    this.isWanted = true;
    this.again();
  }
}

export class ContactList implements Contacts {
  readonly friends = new Value<readonly Person[]>([]);
  readonly blocked = new Value<readonly Person[]>([]);
  readonly incoming = new Asked<readonly FriendRequest[]>([], () => this.requests("incoming"));
  readonly outgoing = new Asked<readonly FriendRequest[]>([], () => this.requests("outgoing"));
  private people: readonly Person[] = [];

  constructor(
    private readonly core: Core,
    private readonly users: UserCache,
  ) {
    users.changes.subscribe((changed) => {
      if (this.friends.value.some(({ user_id }) => changed.has(user_id))) this.sort();
    });
  }

  async request(userId: string, message = ""): Promise<Requested> {
    const done = await this.call("relation.request", { user_id: userId, message });
    this.outgoing.again();
    return done;
  }

  async answer(userId: string, accept: boolean): Promise<void> {
    await this.call("relation.answer", { user_id: userId, accept });
    this.incoming.again();
  }

  async remove(userId: string): Promise<void> {
    await this.call("relation.delete", { user_id: userId });
  }

  async setRemark(userId: string, remark: string): Promise<void> {
    await this.call("relation.remark", { user_id: userId, remark });
  }

  async block(userId: string, blocked = true): Promise<void> {
    await this.call(blocked ? "relation.block" : "relation.unblock", { user_id: userId });
  }

  async mute(userId: string, muted = true): Promise<void> {
    await this.call("relation.mute", { user_id: userId, muted });
  }

  /** Take all relations as they are now. */
  take(people: readonly Person[]): void {
    this.people = people;
    this.sort();
    this.blocked.set(people.filter(({ blocked }) => blocked));
  }

  /** Take an entry of the user's log. */
  happened(kind: string): void {
    if (CHANGES.has(kind)) this.again();
  }

  again(): void {
    this.incoming.again();
    this.outgoing.again();
  }

  private sort(): void {
    const titleOf = (person: Person) =>
      person.remark || (this.users.known(person.user_id)?.title ?? person.user_id);
    const friends = this.people.filter(({ friend }) => friend);
    const titled = friends.map((person) => ({ person, title: titleOf(person) }));
    titled.sort((a, b) => a.title.localeCompare(b.title));
    this.friends.set(titled.map(({ person }) => person));
  }

  private async requests(direction: "incoming" | "outgoing"): Promise<readonly FriendRequest[]> {
    const params = { direction, state: "open", limit: PAGE } as const;
    const page: Requests = await this.call("relation.requests", params);
    return page.requests;
  }

  private async call<M extends keyof Methods>(
    method: M,
    params: Methods[M]["params"],
  ): Promise<Methods[M]["result"]> {
    const args = { method, params, timeoutMs: TIMEOUT_MS };
    return (await this.core.request("call", args)) as Methods[M]["result"];
  }
}
