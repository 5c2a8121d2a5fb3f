/** Profiles and relations of users, kept for when there is no connection. */

import type { User } from "./api.js";
import { HongyanError } from "./errors.js";
import type { People, Person, Profile, ProfilePage } from "./protocol.js";
import type { Store } from "./store.js";

const BATCH = 200;
const PAGE = 500;
/**
 * Older ones are shown, and fetched anew: where a group is large or no conversation is shared,
 * the server sends no change.
 */
const STALE_MS = 10 * 60_000;

interface KeptUser {
  user: User;
  fetchedAtMs: number;
}

export interface ProfilesOptions {
  store: Store;
  isOnline: () => boolean;
  call: (method: string, params: unknown) => Promise<unknown>;
  onUsers: (users: readonly User[]) => void;
  onPeople: (people: readonly Person[]) => void;
}

export class Profiles {
  people: readonly Person[] = [];
  private known = new Map<string, KeptUser>();
  private readonly fetching = new Map<string, Promise<void>>();
  /** Changes may have been missed before. */
  private certainSinceMs = 0;

  constructor(private readonly options: ProfilesOptions) {}

  async load(): Promise<void> {
    this.people = (await this.options.store.get<Person[]>("meta", "people")) ?? [];
  }

  reset(): void {
    this.known = new Map();
    this.people = [];
  }

  /** Return the profiles, fetching those that are not here; unknown ids are left out. */
  async get(ids: readonly string[]): Promise<User[]> {
    await Promise.all(ids.filter((id) => !this.known.has(id)).map((id) => this.read(id)));
    const missing = ids.filter((id) => !this.known.has(id));
    const stale = ids.filter((id) => this.isStale(id));
    if (missing.length > 0) await this.fetch(missing);
    if (stale.length > 0 && this.options.isOnline()) void this.fetch(stale).catch(ignore);
    return ids.map((id) => this.known.get(id)?.user).filter((user) => user !== undefined);
  }

  /** Keep a profile that the server sent. */
  async take(profile: Profile): Promise<void> {
    await this.keep([userOf(profile)]);
  }

  /** Changes may have been missed: what is asked for next is shown, and fetched anew. */
  invalidate(): void {
    this.certainSinceMs = Date.now();
  }

  /** Ask for all friends and blocked people; the user's log says what changes later. */
  async fetchPeople(): Promise<void> {
    const found = new Map<string, Person>();
    for (const method of ["relation.friends", "relation.blocked"]) {
      let after: string | undefined = "";
      do {
        const page = (await this.options.call(method, { after, limit: PAGE })) as People;
        for (const person of page.people) found.set(person.user_id, person);
        after = page.next_after;
      } while (after);
    }
    await this.keepPeople([...found.values()]);
  }

  async keepPerson(person: Person): Promise<void> {
    const others = this.people.filter(({ user_id }) => user_id !== person.user_id);
    await this.keepPeople([...others, person]);
  }

  private async keepPeople(people: readonly Person[]): Promise<void> {
    this.people = people;
    await this.options.store.write([{ put: "meta", key: "people", value: people }]);
    this.options.onPeople(people);
  }

  private async read(id: string): Promise<void> {
    const kept = await this.options.store.get<KeptUser>("users", id);
    if (kept !== undefined && !this.known.has(id)) this.known.set(id, kept);
  }

  private isStale(id: string): boolean {
    const kept = this.known.get(id);
    if (kept === undefined) return false;
    return kept.fetchedAtMs < Math.max(this.certainSinceMs, Date.now() - STALE_MS);
  }

  private async fetch(ids: readonly string[]): Promise<void> {
    const fresh = ids.filter((id) => !this.fetching.has(id));
    for (let at = 0; at < fresh.length; at += BATCH) {
      const batch = fresh.slice(at, at + BATCH);
      const work = this.fetchBatch(batch).finally(() => {
        for (const id of batch) this.fetching.delete(id);
      });
      for (const id of batch) this.fetching.set(id, work);
    }
    await Promise.all(new Set(ids.map((id) => this.fetching.get(id))));
  }

  private async fetchBatch(ids: readonly string[]): Promise<void> {
    const page = (await this.options.call("user.get", { user_ids: ids })) as ProfilePage;
    await this.keep(page.users.map(userOf));
  }

  private async keep(users: readonly User[]): Promise<void> {
    const fetchedAtMs = Date.now();
    for (const user of users) this.known.set(user.userId, { user, fetchedAtMs });
    await this.options.store.write(
      users.map((user) => ({ put: "users", key: user.userId, value: { user, fetchedAtMs } })),
    );
    this.options.onUsers(users);
  }
}

/** Return a profile as the app sees it; the remark is added where it is known. */
export function userOf(profile: Profile): User {
  const name = profile.name ?? "";
  const handle = profile.handle ?? "";
  return {
    userId: profile.user_id,
    handle,
    name,
    title: name || handle || profile.user_id,
    remark: "",
    avatar: profile.avatar ?? "",
    bio: profile.bio ?? "",
    bot: profile.bot ?? false,
    status: profile.status ?? null,
    deleted: profile.state === "deleted",
  };
}

function ignore(error: unknown): void {
  if (!(error instanceof HongyanError)) throw error;
}
