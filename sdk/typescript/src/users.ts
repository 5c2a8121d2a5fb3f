/** Profiles as a tab shows them: fetched when first asked for, many at a time. */

import type { Observable, User, Users } from "./api.js";
import type { Core } from "./core.js";
import { HongyanError } from "./errors.js";
import { Value } from "./observable.js";
import type { Person, ProfilePage } from "./protocol.js";

/** Milliseconds after which a profile still shown is asked for again; the engine knows if it is old. */
const AGAIN_MS = 10 * 60_000;

export class UserCache implements Users {
  readonly changes = new Value<ReadonlySet<string>>(new Set());
  private profiles = new Map<string, User>();
  private remarks = new Map<string, string>();
  private readonly wanted = new Set<string>();
  /** When each was asked for. */
  private readonly asked = new Map<string, number>();

  constructor(private readonly core: Core) {}

  get(userId: string): User | undefined {
    if (userId !== "") this.want(userId);
    return this.profiles.get(userId);
  }

  /** The profile as it was when it came, however long ago; where there is none, it is fetched. */
  known(userId: string): User | undefined {
    return this.profiles.get(userId) ?? this.get(userId);
  }

  async load(userIds: readonly string[]): Promise<readonly User[]> {
    const missing = userIds.filter((id) => !this.profiles.has(id));
    if (missing.length > 0) this.take(await this.core.request("users", { ids: missing }));
    return userIds.map((id) => this.profiles.get(id)).filter((user) => user !== undefined);
  }

  observe(userId: string): Observable<User | null> {
    const read = () => this.get(userId) ?? null;
    return {
      get value() {
        return read();
      },
      subscribe: (listener) =>
        this.changes.subscribe((changed) => {
          if (changed.has(userId)) listener(read());
        }),
    };
  }

  async search(query: string, after = ""): Promise<ProfilePage> {
    const call = { method: "user.search", params: { query, after }, timeoutMs: 30_000 };
    return (await this.core.request("call", call)) as ProfilePage;
  }

  /** Take profiles that came. */
  take(users: readonly User[]): void {
    for (const user of users) this.profiles.set(user.userId, this.named(user));
    if (users.length > 0) this.changes.set(new Set(users.map(({ userId }) => userId)));
  }

  /** Take whom the user calls what. */
  takePeople(people: readonly Person[]): void {
    const remarks = new Map<string, string>();
    for (const { user_id, remark } of people) if (remark) remarks.set(user_id, remark);
    const changed = [...this.profiles.values()].filter(
      ({ userId, remark }) => (remarks.get(userId) ?? "") !== remark,
    );
    this.remarks = remarks;
    this.take(changed);
  }

  /** Changes may have been missed, and what was asked for may not have come: ask once more. */
  again(): void {
    const missing = [...this.asked.keys()].filter((id) => !this.profiles.has(id));
    this.asked.clear();
    for (const id of missing) this.want(id);
    // whoever shows one of the others looks, and thereby asks
    this.changes.set(new Set(this.profiles.keys()));
  }

  reset(): void {
    this.profiles = new Map();
    this.remarks = new Map();
    this.asked.clear();
  }

  private named(user: User): User {
    const remark = this.remarks.get(user.userId) ?? "";
    return { ...user, remark, title: remark || user.name || user.handle || user.userId };
  }

  private want(userId: string): void {
    const now = Date.now();
    if (now - (this.asked.get(userId) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
    this.asked.set(userId, now);
    this.wanted.add(userId);
    if (this.wanted.size === 1) setTimeout(() => this.fetch(), 0);
  }

  private fetch(): void {
    const ids = [...this.wanted];
    this.wanted.clear();
    this.core.request("users", { ids }).then(
      (users) => this.take(users),
      (error) => {
        if (!(error instanceof HongyanError)) throw error;
      },
    );
  }
}
