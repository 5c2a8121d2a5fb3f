// Made from protocol/schemas by `npm run generate`. Do not edit.

/** An account as its owner's devices see it. */
export interface Account {
  user_id: string;
  handle?: string | null;
  email?: string | null;
  phone?: string | null;
  name?: string;
  avatar?: string;
  bio?: string;
  locale?: string;
  status?: Status;
  privacy?: Privacy;
  admin?: boolean;
  bot?: boolean;
  state?: "active" | "deactivated" | "deleted";
  created_at_ms?: number;
}

/** Some accounts; `next_after` is the `after` of the next page, empty at the end. */
export interface AccountPage {
  users: Account[];
  next_after?: string;
}

/** The acknowledgement of a send: the entry is on disk at this seq. */
export interface Ack {
  seq: number;
  ordinal: number;
  sent_at_ms: number;
}

/** One administrative act, as the audit log shows it. */
export interface Act {
  number: number;
  at_ms: number;
  /** The user who did it; `system` is the operator, who has the data folder. */
  actor_id: string;
  device_id: string;
  key_id: string;
  /** The address that the request came from; `control` is the server's own machine. */
  address: string;
  method: string;
  /** The parameters of the request; secrets are masked, long values cut. */
  params: unknown;
  /** `done`, or the code of the refusal. */
  outcome: string;
}

/** Some acts; `next_after` is the `after` of the next page, empty at the end. */
export interface Acts {
  acts: Act[];
  next_after?: string;
}

/** Add users to a bound group; who is in it already is left out. */
export interface AddBoundMembers {
  external_id: string;
  /** External ids of users. */
  members: string[];
}

/** As `group.invite`, for admins, up to 1,000 at once. */
export interface AddMembers {
  conversation_id: string;
  user_ids: string[];
}

/** The users added, and those who could not be. */
export interface Added {
  added: string[];
  not_added?: NotAdded[];
}

/** Accept or refuse a request to join; the same answer again changes nothing. */
export interface AnswerJoinRequest {
  conversation_id: string;
  user_id: string;
  accept: boolean;
}

/** Accept or refuse the request of `user_id`; the same answer again changes nothing. */
export interface AnswerRequest {
  user_id: string;
  accept: boolean;
}

/** An app password as its owner sees it; the password itself is shown once, when it is made. */
export interface AppPasswordInfo {
  app_password_id: string;
  label: string;
  created_at_ms: number;
  /** When somebody logged in with it last, or its device was last seen; 0 for never. */
  used_at_ms?: number;
}

/** A user's app passwords, the oldest first. */
export interface AppPasswords {
  app_passwords: AppPasswordInfo[];
}

/** A page of the archive. */
export interface Archived {
  /** In the order that was asked for. It may be empty though there is more. */
  entries: ArchivedEntry[];
  /** Ask again with this as `after` (`before` for the newest first) for what follows. */
  next: string;
  /** Whether there is more already. */
  more: boolean;
  /** As in `conversation.sync`. */
  generation: string;
}

/** An entry and its position among all entries of all logs. */
export interface ArchivedEntry {
  /** Never changes. Positions are compared as texts, and say nothing else. */
  position: string;
  entry: Entry;
}

/** Somebody who may not come (back) into a group. */
export interface Ban {
  conversation_id: string;
  user_id: string;
  banned_by: string;
  reason?: string;
  banned_at_ms?: number;
}

/** Remove somebody, if they are a member, and let them neither join nor be invited. */
export interface BanMember {
  conversation_id: string;
  user_id: string;
  reason?: string;
}

/** Some bans, by user id; `next_after` is the next page's `after`, empty at the end. */
export interface Bans {
  bans: Ban[];
  next_after?: string;
}

/** Announce a file, reserve its room, and get links to send it by. */
export interface BeginDirectUpload {
  length_bytes: number;
  name?: string;
}

/** Block somebody: they can neither write, see presence, invite nor ask to be friends. */
export interface BlockPerson {
  user_id: string;
}

/** The conversation that belongs to an object of the business. */
export interface BoundConversation {
  external_id: string;
  conversation_id: string;
  owner_id: string;
  name: string;
  member_count: number;
  created?: boolean;
  not_added?: NotAdded[];
}

/** Make an invite worthless. */
export interface CancelInvite {
  code: string;
}

/** Set the caller's e-mail address, or remove it with null. */
export interface ChangeEmail {
  password: string;
  email: string | null;
}

/** Change the caller's password; all other devices are removed (`password_changed`). */
export interface ChangePassword {
  password: string;
  new_password: string;
}

/** Set the caller's telephone number, or remove it with null. */
export interface ChangePhone {
  password: string;
  phone: string | null;
}

/** The users added or removed, and those who could not be, by user id. */
export interface Changed {
  conversation_id: string;
  user_ids: string[];
  not_added?: NotAdded[];
}

/** One user's choice. */
export interface Choice {
  user_id: string;
  choice: number[];
}

/** A page of votes; `next` is the following page's `after`, empty on the last one. */
export interface Choices {
  votes: Choice[];
  next?: string;
}

/** Have a file without sending its bytes, if the caller can read the same bytes already. */
export interface ClaimMedia {
  /** 64 lower-case hexadecimal digits. */
  sha256: string;
  size_bytes: number;
  name?: string;
}

/** Let the caller, and nobody else, see no more of what was said until now. */
export interface ClearConversation {
  conversation_id: string;
}

/** Close a poll: its author may, and a group's admins of a higher rank. */
export interface ClosePoll {
  conversation_id: string;
  seq: number;
}

/** A card that names a user. */
export interface Contact {
  type: "contact";
  user_id: string;
  name?: string;
  avatar?: string;
}

/** One conversation as its caller sees it in a list. */
export interface Conversation {
  conversation_id: string;
  kind: Kind;
  /** The state of the conversation's log. */
  head: LogState;
  /** The caller's own place in it. */
  member: Member;
  /** The other one of a direct conversation; else empty. */
  peer_id?: string;
  /** The group or channel; None for other kinds. */
  group?: Group | null;
  /** Members of the group or channel; 0 for other kinds. */
  member_count?: number;
  /** The caller's preference for it. */
  preference: Preference;
  /** The caller's cursor: read and received up to here. */
  cursor?: Cursor;
  /** Messages of others after the cursor. */
  unread?: number;
  /** Unread messages that mention the caller or everybody. */
  mentions?: number;
  /** The newest message that the caller may see. */
  last?: Entry | null;
}

/** The changed fields of a conversation; None, or a missing field, says nothing. */
export interface ConversationChanged {
  name?: string | null;
  avatar?: string | null;
  notice?: string | null;
  join_policy?: "approval" | "closed" | "free" | "invite" | null;
  join_question?: string | null;
  permissions?: Permissions | null;
  muted_all?: boolean | null;
  slow_mode_s?: number | null;
  retention_days?: number | null;
  history_visible?: boolean | null;
  members_limit?: number | null;
  owner_id?: string | null;
}

/** Counts of what was made. */
export interface ConversationCreated {
  kind: Kind;
  name: string;
}

/** The body of `CONVERSATION_READ`. Of several, the greatest `read_seq` holds. */
export interface ConversationRead {
  conversation_id: string;
  read_seq: number;
  read_ordinal: number;
}

/** Messages at or before `up_to_seq` are gone for everybody; clients remove them. */
export interface ConversationTrimmed {
  up_to_seq: number;
}

/** A page, by conversation id; `next_after` is None on the last one. */
export interface Conversations {
  conversations: Conversation[];
  next_after?: string | null;
}

/** Make an app password for one device or program that takes no other way of logging in. */
export interface CreateAppPassword {
  /** The account's password; empty where the account has none. */
  password?: string;
  label: string;
}

/** Make a bot (or take the one with this external id) and a new key for it. */
export interface CreateBot {
  external_id: string;
  name: string;
  scopes?: ("bots" | "conversations:read" | "conversations:write" | "messages:read" | "messages:send" | "tokens:mint" | "users:read" | "users:write" | "webhooks:write")[];
  expires_at_ms?: number;
}

/** Make the group that belongs to an object of the business, or return the one there is. */
export interface CreateBoundConversation {
  /** 1 to 128 printable characters. */
  external_id: string;
  /** The owner's external id. */
  owner: string;
  /** External ids, at most 500. */
  members?: string[];
  name: string;
  kind?: "channel" | "group";
  avatar?: string;
  join_policy?: "approval" | "closed" | "free" | "invite";
  members_limit?: number;
}

/** Make a group or a channel with the caller as its owner. */
export interface CreateGroup {
  client_id: string;
  kind?: "channel" | "group";
  /** 1 to 64 characters. */
  name: string;
  avatar?: string;
  /** Users to add at once, at most 500; their blocks and privacy are respected. */
  user_ids?: string[];
  join_policy?: "approval" | "closed" | "free" | "invite";
  /** 2 to 100,000. */
  members_limit?: number;
  /** The object of the business that the group belongs to, unique, at most 128 characters. For app servers only. */
  external_id?: string | null;
}

/** Make an invite code. */
export interface CreateInvite {
  uses?: number;
  /** 0 for never. */
  expires_at_ms?: number;
  note?: string;
}

/** Make an API key, for an app server or, with `user_id`, for a bot. */
export interface CreateKey {
  /** 1 to 64 characters; seen by administrators. */
  name: string;
  scopes: ("bots" | "conversations:read" | "conversations:write" | "messages:read" | "messages:send" | "tokens:mint" | "users:read" | "users:write" | "webhooks:write")[];
  /** The bot that the key is for; empty for an app server's key. */
  user_id?: string;
  /** 0 for never. */
  expires_at_ms?: number;
}

/** Make a link by which whoever holds it may join, without approval. */
export interface CreateLink {
  conversation_id: string;
  /** 0 (never) to 31,536,000 (a year). */
  expires_in_s?: number;
  /** 0 (as many as the group takes) to 100,000. */
  uses_max?: number;
}

/** Make a one-time code with which the user can set a new password. */
export interface CreateResetCode {
  user_id: string;
}

/** Subscribe a URL to what happens from now on. */
export interface CreateWebhook {
  /** `https://` or `http://`, at most 2,000 characters. */
  url: string;
  /** At most 64 characters. */
  name?: string;
  /** Such as `message` or `members.*`, at most 50; empty takes all kinds in conversations. Entries of users' own logs come only where their kind is named in full. */
  kinds?: string[];
  /** Only these, at most 1,000; empty for all. */
  conversation_ids?: string[];
  /** Only what this bot could see: entries of the conversations that it is in. */
  user_id?: string;
  /** 1 to 500 entries in a delivery. */
  batch_max?: number;
}

/** The new group, and who of those named is not in it. */
export interface Created {
  conversation_id: string;
  info: GroupInfo;
  not_added?: NotAdded[];
}

/** One user's cursor in one log. Each part only ever grows. */
export interface Cursor {
  read_seq?: number;
  read_ordinal?: number;
  delivered_seq?: number;
  /** When this user last appended a countable entry; 0 when never. Slow mode reads it. */
  sent_at_ms?: number;
}

/** Anything a developer wants to carry; `summary` is shown where it is not understood. */
export interface Custom {
  type: "custom";
  name: string;
  data: Record<string, unknown>;
  summary?: string;
  /** The files that `data` is about: who sees the message may fetch these, and they are kept with it. What is not named here is its owner's alone. */
  media_ids?: string[];
}

/** One day (UTC) in numbers. */
export interface Day {
  /** ISO 8601, such as 2026-07-31. */
  date: string;
  messages: number;
  active_users: number;
}

/** Put the caller's account to sleep: devices removed, not found, until the next log-in. */
export interface DeactivateMe {
  password: string;
}

/** Put an account to sleep until an administrator reactivates it; its devices are removed. */
export interface DeactivateUser {
  user_id: string;
}

/** A batch that could not be delivered: the positions `first` to `last` of the feed. */
export interface DeadLetter {
  webhook_id: string;
  first: number;
  last: number;
  at_ms: number;
  attempts: number;
  error?: string;
}

/** Some dead letters; `next_after` is the `after` of the next page, empty at the end. */
export interface DeadLetters {
  dead_letters: DeadLetter[];
  next_after?: string;
}

/** End the friendship for both; changes nothing where there is none. */
export interface DeleteFriend {
  user_id: string;
}

/** Delete the caller's account for good: profile emptied, handle freed, devices removed. */
export interface DeleteMe {
  password: string;
}

/** Remove a webhook, its attempts and its dead letters. */
export interface DeleteWebhook {
  webhook_id: string;
}

/** A device as its owner sees it. */
export interface DeviceInfo {
  device_id: string;
  platform: "android" | "bot" | "cli" | "desktop" | "ios" | "linux" | "macos" | "web" | "widget" | "windows";
  name: string;
  created_at_ms: number;
  /** When it last logged in or refreshed its tokens. */
  seen_at_ms: number;
  address: string;
  /** The app password that it logged in with; empty for none. */
  app_password_id?: string;
}

/** A user's devices, the oldest first. */
export interface DeviceList {
  devices: DeviceInfo[];
  current_device_id: string;
}

/** A node handed the entry to one connected device. */
export interface DevicePush {
  user_id: string;
  device_id: string;
  node: string;
  /** When it was pushed; the device may have been cut off before it had read it. */
  at_ms: number;
  /** Whether that connection is still open. */
  is_connected: boolean;
}

/** A device may no longer be connected, and why. */
export interface DeviceRemoved {
  device_id: string;
  reason: "deactivated" | "kicked" | "logged_out" | "password_changed" | "replaced" | "token_reused";
}

/** The missing pieces of a direct upload, with their links. */
export interface DirectUpload {
  upload_id: string;
  length_bytes: number;
  /** When the links end; `media.direct_resume` gives new ones. */
  expires_at_ms: number;
  /** Pieces that have not come yet. PUT each with exactly its length as Content-Length. */
  pieces: Piece[];
  /** The media, once the upload is finished. */
  media_id?: string;
}

/** End a group for ever: nobody can write or join. Members may still read, and leave. */
export interface DissolveGroup {
  conversation_id: string;
}

/** The empty answer. */
export type Done = Record<string, never>;

/** Keep a message no longer as a favourite. */
export interface DropFavourite {
  conversation_id: string;
  seq: number;
}

/** Give one's own text another text, or one's own file another caption. */
export interface EditMessage {
  conversation_id: string;
  seq: number;
  content: Text | Image | Voice | Video | File | Sticker | Location | Contact | Link | MergedForward | Custom | Poll | Notice;
  /** Edit only this version; 0 edits whichever is there. */
  expected_version?: number;
}

/** The message's version now; `entry_seq` is 0 when its content was so already. */
export interface Edited {
  entry_seq: number;
  version: number;
  edited_at_ms: number;
}

/** One emoji on a message: how many gave it, the first three, and whether the caller did. */
export interface EmojiInfo {
  emoji: string;
  count: number;
  first: string[];
  mine: boolean;
}

/** A range of a text with a meaning. Offsets count Unicode code points. */
export interface Entity {
  type: "bold" | "code" | "italic" | "link" | "mention" | "mention_admins" | "mention_all" | "pre" | "quote" | "strike";
  offset: number;
  length: number;
  /** The user who is mentioned. */
  user_id?: string;
  url?: string;
  language?: string;
}

/** A stretch of a log. */
export interface Entries {
  /** Oldest first. */
  entries: Entry[];
  from_seq: number;
  /** All that is visible from `from_seq` to `to_seq` is in `entries`. */
  to_seq: number;
  more_before: boolean;
  /** Whether there is more that the caller may see in that direction. */
  more_after: boolean;
}

/** One thing that happened, as it stands in its log. */
export interface Entry {
  log_id: string;
  seq: number;
  ordinal: number;
  kind: string;
  sender: string;
  /** Empty when the server made the entry. */
  client_id: string;
  sent_at_ms: number;
  body: unknown;
}

/** A user, and the external id. */
export interface ExternalProfile {
  external_id: string;
  profile: Profile;
}

export interface Failure {
  id: number;
  error: WireError;
}

/** The user keeps a message, or no longer does. */
export interface FavouriteChanged {
  conversation_id: string;
  seq: number;
  kept: boolean;
}

/** A favourite, and when it became one. */
export interface FavouriteInfo {
  message: Entry;
  at_ms: number;
}

/** A page of favourites; `next` is the following page's `after`, empty on the last one. */
export interface Favourites {
  favourites: FavouriteInfo[];
  next?: string;
}

/** Any other file. */
export interface File {
  type: "file";
  media_id: string;
  name?: string;
  mime?: string;
  size_bytes?: number;
  caption?: string;
}

/** Make a media of a file whose pieces are all there; a repeat answers the same. */
export interface FinishDirectUpload {
  upload_id: string;
  /** The wanted hash, in 64 lower-case hexadecimal digits. Empty: any. */
  sha256?: string;
}

/** A folder and how many conversations are in it. */
export interface Folder {
  name: string;
  conversations: number;
}

/** The caller's folders, by name. */
export interface Folders {
  folders: Folder[];
}

/** Send messages of one conversation to others, each for itself or merged into one. */
export interface ForwardMessages {
  conversation_id: string;
  seqs: number[];
  targets: string[];
  client_id: string;
  mode?: "each" | "merged";
  /** Of a merged forward. */
  title?: string;
}

/** The results of a forward, by target. */
export interface ForwardReport {
  targets: Forwarded[];
}

/** The result of a forward in one target conversation. */
export interface Forwarded {
  conversation_id: string;
  /** In the order of `seqs`; shorter when a refusal came in between. */
  receipts: Ack[];
  code?: string;
  /** The refusal that stopped it; empty when all went well. */
  message?: string;
}

/** One message as it stood when it was forwarded. */
export interface ForwardedMessage {
  sender: string;
  name: string;
  sent_at_ms: number;
  content: Record<string, unknown>;
}

/** The answer to a request; the log's owner is one of the two. */
export interface FriendAnswered {
  from_id: string;
  to_id: string;
  accepted: boolean;
}

/** A friend request. */
export interface FriendRequestInfo {
  from_id: string;
  to_id: string;
  message: string;
  state: "accepted" | "open" | "refused";
  asked_at_ms: number;
  answered_at_ms?: number;
}

/** Somebody asks somebody; the log's owner is one of the two. */
export interface FriendRequested {
  from_id: string;
  to_id: string;
  message: string;
}

/** Read all of the caller's conversations and their own log together, in one order. */
export interface GetArchive {
  /** Positions up to here are left out. */
  after?: string;
  /** Positions from here on are left out too; empty for no end. */
  before?: string;
  newest_first?: boolean;
  /** With 0 nothing is read, and `next` is where the archive ends now. */
  limit?: number;
}

/** Return the group that belongs to an object of the business. */
export interface GetBoundConversation {
  external_id: string;
}

/** Return one of the caller's conversations. */
export interface GetConversation {
  conversation_id: string;
}

/** Return how far the peer of a direct conversation has read and received. */
export interface GetCursors {
  conversation_id: string;
}

/** Return the user with this external id. */
export interface GetExternalUser {
  external_id: string;
}

/** Return a group of which the caller is a member. */
export interface GetGroup {
  conversation_id: string;
}

/** Read a conversation's log, backward, forward or around a seq. */
export interface GetHistory {
  conversation_id: string;
  /** The newest entries before this one, which is left out. */
  before_seq?: number | null;
  /** The oldest entries after this one, which is left out. */
  after_seq?: number | null;
  /** This entry with about as many before it as after it. */
  around_seq?: number | null;
  limit?: number;
  /** Leave out what stands as no bubble of its own: edits, reactions, joins and so on. */
  only_messages?: boolean;
}

/** Return the caller's own account. */
export type GetMe = Record<string, never>;

/** Return what is known of a file: its type, size, dimensions, previews. */
export interface GetMedia {
  media_id: string;
  /** The conversation where the caller saw it, with `seq`: needed only for a file that thousands of messages show, which are not all looked through. */
  conversation_id?: string;
  seq?: number;
}

/** Return one message as it stands now. A recalled one has no content. */
export interface GetMessage {
  conversation_id: string;
  seq: number;
}

/** Return who of these users is online. */
export interface GetPresence {
  user_ids: string[];
}

/** Return who of those that were members when an entry was made has read it. */
export interface GetReaders {
  conversation_id: string;
  seq: number;
  after?: string;
  /** 1 to 500. */
  limit?: number;
}

/** Return what this person is to the caller; a stranger is nothing of all. */
export interface GetRelation {
  user_id: string;
}

/** Return how much the server is used. */
export type GetStatistics = Record<string, never>;

/** Return how much the caller keeps on the server, and how much that may be. */
export type GetUsage = Record<string, never>;

/** Read the caller's own log: what all of the user's devices share, oldest first. */
export interface GetUserLog {
  after_seq?: number;
  /** 1 to 500. */
  limit?: number;
}

/** Return the profiles of at most 200 users; unknown ids are left out. */
export interface GetUsers {
  user_ids: string[];
}

/** A group or a broadcast channel as it stands. */
export interface Group {
  conversation_id: string;
  kind: Kind;
  name: string;
  avatar?: string;
  notice?: string;
  owner_id: string;
  join_policy?: "approval" | "closed" | "free" | "invite";
  join_question?: string;
  permissions?: Permissions;
  /** Only admins and the owner may speak. */
  muted_all?: boolean;
  slow_mode_s?: number;
  /** Days after which messages are gone for everybody; 0 keeps them as long as the server does. */
  retention_days?: number;
  /** Whether newcomers see what was said before they joined. */
  history_visible?: boolean;
  /** Whether it ever was not visible: then some member may not read what others may. */
  history_was_hidden?: boolean;
  members_limit?: number;
  dissolved?: boolean;
  /** The latest messages that mention everybody, oldest first, at most 20. */
  mention_all_seqs?: number[];
  external_id?: string | null;
  created_at_ms?: number;
}

/** The public card of a group. */
export interface GroupCard {
  conversation_id: string;
  kind: Kind;
  name: string;
  avatar: string;
  member_count: number;
  join_policy: "approval" | "closed" | "free" | "invite";
  join_question: string;
  /** Whether the caller is a member. */
  joined: boolean;
}

/** A group as one of its members sees it. */
export interface GroupInfo {
  group: Group;
  member_count: number;
  /** The caller's own place in it. */
  me: Member;
}

/** Some groups; `next_after` is the next page's `after`, empty at the end. */
export interface Groups {
  groups: GroupInfo[];
  next_after?: string;
}

/** The first request. `token` may be left out when the upgrade carried it as a header. */
export interface Hello {
  token?: string;
  protocol?: number;
  client?: string;
}

/** Delete messages for the caller alone. */
export interface HideMessages {
  conversation_id: string;
  seqs: number[];
}

/** A picture; width and height in pixels. */
export interface Image {
  type: "image";
  width?: number;
  height?: number;
  thumbhash?: string;
  media_id: string;
  name?: string;
  mime?: string;
  size_bytes?: number;
  caption?: string;
}

/** A code that lets somebody register where registration is by invitation. */
export interface Invite {
  code: string;
  created_by: string;
  uses_left: number;
  /** 0 for never. */
  expires_at_ms?: number;
  note?: string;
  created_at_ms?: number;
}

/** A way into a group for whoever holds the token. */
export interface InviteLink {
  token: string;
  conversation_id: string;
  created_by: string;
  created_at_ms?: number;
  /** 0 means never. */
  expires_at_ms?: number;
  /** 0 means as many as the group takes. */
  uses_max?: number;
  uses?: number;
}

/** Add people to a group; those who cannot be added are named in the answer. */
export interface InviteMembers {
  conversation_id: string;
  user_ids: string[];
}

/** Some invites; `next_after` is the `after` of the next page, empty at the end. */
export interface InvitePage {
  invites: Invite[];
  next_after?: string;
}

/** The answer to a request to join. */
export interface JoinAnswered {
  conversation_id: string;
  user_id: string;
  accepted: boolean;
}

/** Join the group that a link leads to; a member stays one, and uses nothing up. */
export interface JoinByLink {
  token: string;
}

/** Join a free group, or ask to join one that wants approval. */
export interface JoinGroup {
  conversation_id: string;
  /** To the group's `join_question`. */
  answer?: string;
}

/** Somebody's request to join a group, or how it was answered. */
export interface JoinRequest {
  conversation_id: string;
  user_id: string;
  /** The user's answer to the group's `join_question`. */
  answer?: string;
  state?: "accepted" | "open" | "refused";
  asked_at_ms?: number;
  answered_at_ms?: number;
  answered_by?: string;
}

/** Somebody asks to join. */
export interface JoinRequested {
  conversation_id: string;
  user_id: string;
  answer: string;
}

/** Some requests; `next_after` is the next page's `after`, empty at the end. */
export interface JoinRequests {
  requests: JoinRequest[];
  next_after?: string;
}

/** The result of joining: the caller is a member, or has asked to become one. */
export interface Joined {
  conversation_id: string;
  state: "joined" | "requested";
}

/** Keep a message as a favourite, also after leaving the conversation. */
export interface KeepFavourite {
  conversation_id: string;
  seq: number;
}

/** A key as administrators see it; `prefix` is how its text begins. */
export interface KeyInfo {
  key_id: string;
  prefix: string;
  name: string;
  scopes: ("bots" | "conversations:read" | "conversations:write" | "messages:read" | "messages:send" | "tokens:mint" | "users:read" | "users:write" | "webhooks:write")[];
  user_id: string;
  created_by: string;
  created_at_ms: number;
  expires_at_ms: number;
  revoked_at_ms: number;
  /** To the minute; 0 for never. */
  last_used_at_ms?: number;
  last_used_address?: string;
}

/** Some keys; `next_after` is the `after` of the next page, empty at the end. */
export interface KeyPage {
  keys: KeyInfo[];
  next_after?: string;
}

/** Remove one of the caller's devices; it gets the reason `kicked`. */
export interface KickDevice {
  device_id: string;
}

/** Remove members; who is none already is left out. */
export interface KickMembers {
  conversation_id: string;
  user_ids: string[];
}

/** Remove all devices of the caller but the one that asks. */
export type KickOtherDevices = Record<string, never>;

/** Remove all devices of a user. */
export interface KickUser {
  user_id: string;
}

/** The kinds of conversation. */
export type Kind = "channel" | "direct" | "group" | "self" | "system";

/** Leave a group; who has left already stays so. With its last member a group dissolves. */
export interface LeaveGroup {
  conversation_id: string;
}

/** A link with a preview that the sender made. */
export interface Link {
  type: "link";
  url: string;
  title?: string;
  description?: string;
  image?: string;
}

/** A group's invite links: at most 100, so there are no pages. */
export interface Links {
  links: InviteLink[];
}

/** List the caller's app passwords, and when each was last used. */
export type ListAppPasswords = Record<string, never>;

/** List the latest attempts at deliveries of a webhook. */
export interface ListAttempts {
  webhook_id: string;
}

/** List administrative acts, the newest first. */
export interface ListAudit {
  /** Only what this user did. */
  actor_id?: string | null;
  /** Only this method. */
  method?: string | null;
  from_ms?: number;
  /** Only what was done before this time. */
  to_ms?: number | null;
  after?: string;
  limit?: number;
}

/** List bans, by user id. */
export interface ListBans {
  conversation_id: string;
  after?: string;
  limit?: number;
}

/** List whom the caller has blocked, by user id. */
export interface ListBlocked {
  after?: string;
  limit?: number;
}

/** List the caller's conversations by id. Devices use `conversation.sync` instead. */
export interface ListConversations {
  after?: string;
  /** 1 to 1000. */
  limit?: number;
}

/** List the batches of a webhook that were given up, by position. */
export interface ListDeadLetters {
  webhook_id: string;
  after?: string;
  limit?: number;
}

/** List the caller's devices (there are few; see the server's limit). */
export type ListDevices = Record<string, never>;

/** List the caller's favourites, the latest first. */
export interface ListFavourites {
  after?: string;
  limit?: number;
}

/** List the folders into which the caller has put conversations. */
export type ListFolders = Record<string, never>;

/** List the caller's friends, by user id. */
export interface ListFriends {
  after?: string;
  limit?: number;
}

/** List the invites that were neither used up nor revoked, by code. */
export interface ListInvites {
  after?: string;
  /** 1 to 500. */
  limit?: number;
}

/** List requests to join, the newest first. */
export interface ListJoinRequests {
  conversation_id: string;
  state?: "accepted" | "open" | "refused";
  after?: string;
  limit?: number;
}

/** List all API keys, revoked ones too, by key id. */
export interface ListKeys {
  after?: string;
  limit?: number;
}

/** List a group's links: all of them for admins, their own for members. */
export interface ListLinks {
  conversation_id: string;
}

/** List what stands beside the messages from `first_seq` to `last_seq`. */
export interface ListMarks {
  conversation_id: string;
  first_seq: number;
  last_seq: number;
}

/** List members: the owner, then admins, then members, each by user id. */
export interface ListMembers {
  conversation_id: string;
  nickname_prefix?: string;
  after?: string;
  limit?: number;
}

/** List the groups of which the caller is a member. */
export interface ListMyGroups {
  after?: string;
  limit?: number;
}

/** List a conversation's pinned messages that the caller may see (at most 50). */
export interface ListPins {
  conversation_id: string;
}

/** List who put this emoji to a message, the first one first. */
export interface ListReactors {
  conversation_id: string;
  seq: number;
  emoji: string;
  after?: string;
  limit?: number;
}

/** Return how far the readers of the logs are, and what they could not handle. */
export type ListReaders = Record<string, never>;

/** List friend requests, the newest first. */
export interface ListRequests {
  direction?: "incoming" | "outgoing";
  state?: "accepted" | "open" | "refused";
  after?: string;
  limit?: number;
}

/** List a message's earlier versions (at most 100). */
export interface ListRevisions {
  conversation_id: string;
  seq: number;
}

/** List the caller's scheduled messages (at most 100). */
export type ListSchedules = Record<string, never>;

/** List all accounts, deleted ones too, by user id. */
export interface ListUsers {
  after?: string;
  /** 1 to 500. */
  limit?: number;
}

/** List who chose what in a poll, by user id. */
export interface ListVotes {
  conversation_id: string;
  seq: number;
  after?: string;
  limit?: number;
}

/** List all webhooks and how far they have come. */
export type ListWebhooks = Record<string, never>;

/** A place: WGS 84 degrees. */
export interface Location {
  type: "location";
  latitude: number;
  longitude: number;
  name?: string;
  address?: string;
}

/** Log this device in by handle, e-mail address or telephone number. */
export interface LogIn {
  identifier: string;
  password: string;
  platform?: "android" | "bot" | "cli" | "desktop" | "ios" | "linux" | "macos" | "web" | "widget" | "windows";
  device_name?: string;
}

/** Log a widget in with a token that the host's server has minted. */
export interface LogInWithToken {
  login_token: string;
  device_name?: string;
}

/** Remove the device that asks; its tokens are worth nothing from now on. */
export type LogOut = Record<string, never>;

/** The state of a log. All zero for a log that holds nothing. */
export interface LogState {
  seq?: number;
  ordinal?: number;
  /** Grows whenever a rule that guards the log may decide differently; see `Precondition`. */
  version?: number;
}

/** A token that an app server hands to its user's page, good for one log-in and a short time. */
export interface LoginToken {
  login_token: string;
  user_id: string;
  expires_in_s: number;
}

/** Make a link that downloads one file, or a smaller picture of it, for some minutes. */
export interface MakeTicket {
  media_id: string;
  variant?: "" | "poster" | "preview" | "thumb";
  /** As in `media.get`. */
  conversation_id?: string;
  seq?: number;
}

/** Report that a device of the caller has received everything up to a seq. */
export interface MarkDelivered {
  conversation_id: string;
  /** Clamped to the end of the log. */
  seq: number;
}

/** Move the caller's read cursor forward to a seq, and take back `marked_unread`. */
export interface MarkRead {
  conversation_id: string;
  /** Clamped to the end of the log. */
  seq: number;
}

/** The marks of a range, by seq; messages without marks are left out. */
export interface MarksInRange {
  marks: MessageMarks[];
}

/** Details found by looking into a file. */
export interface MediaDetails {
  /** Pixels, as it is to be shown: a rotation in the file has been applied. */
  width?: number;
  height?: number;
  duration_ms?: number;
  /** Of sound without pictures: 64 values of loudness from 0 to 31. */
  waveform?: number[];
  /** A blurred picture in some 25 bytes (ThumbHash), in base64. */
  thumbhash?: string;
  /** The smaller pictures that can be downloaded. */
  variants?: ("" | "poster" | "preview" | "thumb")[];
}

/** A media as one sees it who may read it. */
export interface MediaInfo {
  media_id: string;
  sha256: string;
  size_bytes: number;
  mime: string;
  name: string;
  /** While it is `processing`, `facts` is empty. */
  state: "processing" | "ready" | "refused";
  facts?: MediaDetails;
  created_at_ms?: number;
}

/** One user's place in one conversation; it stays, inactive, after the user left. */
export interface Member {
  conversation_id: string;
  user_id: string;
  role?: Role;
  /** `role.rank`, for finding a conversation's admins; -1 once the member has left. */
  rank?: number;
  active?: boolean;
  nickname?: string;
  /** The nickname with its case folded, for the search. */
  nickname_key?: string;
  /** May not speak until then; -1 means until unmuted. */
  muted_until_ms?: number;
  /** The first seq that this member may read. */
  visible_from?: number;
  /** The last seq that this member may read; 0 means no end. */
  visible_until?: number;
  joined_at_ms?: number;
  invited_by?: string;
  /** The other one of a direct conversation; else empty. */
  peer_id?: string;
}

/** The changed fields of a member; None, or a missing field, says nothing. */
export interface MemberChanged {
  user_id: string;
  role?: Role | null;
  /** 0 when the member may speak again; -1 means until unmuted. */
  muted_until_ms?: number | null;
  nickname?: string | null;
}

/** A member as the others see them. */
export interface MemberInfo {
  user_id: string;
  role: Role;
  nickname?: string;
  muted_until_ms?: number;
  joined_at_ms?: number;
  invited_by?: string;
}

/** Some members; `next_after` is the next page's `after`, empty at the end. */
export interface Members {
  members: MemberInfo[];
  next_after?: string;
}

/** The users who joined, and how. */
export interface MembersJoined {
  user_ids: string[];
  how?: "added" | "approved" | "created" | "invited" | "joined" | "link";
}

/** The users who left, and why. */
export interface MembersLeft {
  user_ids: string[];
  why?: "banned" | "deleted" | "dissolved" | "kicked" | "left";
}

/** The user is a member of a conversation now. */
export interface MembershipJoined {
  conversation_id: string;
  kind: Kind;
  /** Empty where the conversation is no group and no channel. */
  name?: string;
  /** `opened`: no group; somebody opened it, or the server did. */
  how: "added" | "approved" | "created" | "invited" | "joined" | "link" | "opened";
  role?: Role;
  /** The other one of a direct conversation; else empty. */
  peer_id?: string;
}

/** The user is a member of a conversation no more, and why. */
export interface MembershipLeft {
  conversation_id: string;
  kind: Kind;
  name?: string;
  why: "banned" | "deleted" | "dissolved" | "kicked" | "left";
}

/** The user has another role in a conversation. */
export interface MembershipRole {
  conversation_id: string;
  kind: Kind;
  name?: string;
  role: Role;
}

/** Several messages forwarded as one. */
export interface MergedForward {
  type: "forward";
  title: string;
  messages: ForwardedMessage[];
}

/** The body of a message entry. `content` is None once it is recalled or burned. */
export interface MessageBody {
  content: Text | Image | Voice | Video | File | Sticker | Location | Contact | Link | MergedForward | Custom | Poll | Notice | null;
  quote?: Quote | null;
  forwarded_from?: Origin | null;
  edited_at_ms?: number;
  version?: number;
  recalled_by?: string;
  /** Milliseconds that the message lives after its reader has read it; 0 means for ever. */
  burn_after_ms?: number;
  burned?: boolean;
  /** Gone because the conversation is kept for a time only. */
  trimmed?: boolean;
}

/** A message has lived its time; all goes that a recall takes. */
export interface MessageBurned {
  seq: number;
}

/** A message has another content. */
export interface MessageEdited {
  seq: number;
  version: number;
  edited_at_ms: number;
  content: Text | Image | Voice | Video | File | Sticker | Location | Contact | Link | MergedForward | Custom | Poll | Notice | null;
}

/** The metadata of one message. */
export interface MessageMarks {
  seq: number;
  emojis?: EmojiInfo[];
  pinned?: boolean;
  /** None where nobody has voted yet; a poll that its `closes_at_ms` ended says so itself. */
  poll?: PollInfo | null;
}

/** A message was pinned or unpinned for everybody. */
export interface MessagePinned {
  seq: number;
  pinned: boolean;
}

/** The entry's sender put an emoji to a message, or took it back. */
export interface MessageReacted {
  seq: number;
  emoji: string;
  added: boolean;
  /** Users who have this emoji there now. */
  count: number;
}

/** Somebody who has read a message, and how far they have read by now. */
export interface MessageReader {
  user_id: string;
  read_seq: number;
}

/** The readers of a message. Its sender is not counted. */
export interface MessageReaders {
  /** By user id; those whose privacy hides read receipts are left out. */
  readers: MessageReader[];
  next_after?: string | null;
  /** Members that have read it; None in conversations of more than 500 members. */
  read?: number | null;
  /** Members that have not, or do not say; None in conversations of more than 500 members. */
  unread?: number | null;
}

/** A message's content is gone, with its reactions, pin, votes, mentions and favourites. */
export interface MessageRecalled {
  seq: number;
}

/** The body of `MESSAGES_HIDDEN`: these messages are gone for this user alone. */
export interface MessagesHidden {
  conversation_id: string;
  seqs: number[];
}

/** Log a device of one of the app server's users in, silently. */
export interface MintAppToken {
  external_id: string;
  platform?: "android" | "bot" | "cli" | "desktop" | "ios" | "linux" | "macos" | "web" | "widget" | "windows";
  device_name?: string;
  /** Of the access token; 0 takes the server's setting. */
  expires_in_s?: number;
}

/** Make a token with which a widget on the app server's own page logs in as its user. */
export interface MintLoginToken {
  external_id: string;
  /** The external id of somebody with whom the widget may begin to talk; empty for nobody. */
  peer?: string;
  expires_in_s?: number;
}

/** Forbid a member to speak until a time, or let them speak again. */
export interface MuteMember {
  conversation_id: string;
  user_id: string;
  /** Milliseconds since 1970; -1 for no end; 0, or a time that has passed, unmutes. */
  until_ms: number;
}

/** Let what somebody writes raise no notification, or let it again. */
export interface MutePerson {
  user_id: string;
  muted?: boolean;
}

/** An app password that was just made. */
export interface NewAppPassword {
  app_password: AppPasswordInfo;
  /** 26 characters to log in with, by `user.log_in` too. Shown this once. */
  password: string;
}

/** A bot, and the key that it speaks with; the key is shown only now. */
export interface NewBot {
  external_id: string;
  user_id: string;
  key: NewKey;
}

/** A key that was just made. Its text is shown only now. */
export interface NewKey {
  key: string;
  info: KeyInfo;
}

/** A webhook, and the secret that signs its deliveries; the secret is shown only now. */
export interface NewWebhook {
  info: WebhookInfo;
  secret: string;
}

/** One node's knowledge of an entry. It knows of the newest some thousands. */
export interface NodeTrace {
  node: string;
  /** When the event came there; 0 when it never did, or it is forgotten. */
  heard_at_ms?: number;
  pushes?: DevicePush[];
}

/** Somebody who could not be added, and why. */
export interface NotAdded {
  user_id: string;
  /** No such active user; has blocked the caller; is added by friends only; is banned from the group; the group is full. */
  reason: "banned" | "blocked" | "friends_only" | "full" | "unknown";
}

/** The change is on disk, and `entry_seq` is its seq in the log. */
export interface Noted {
  entry_seq?: number;
  at_ms?: number;
}

/** A notice; only the system may send it. */
export interface Notice {
  type: "notice";
  text: string;
  data?: Record<string, unknown>;
}

/** Write to a user as a system account, in the conversation in which nobody can answer. */
export interface Notify {
  /** The user to notify. */
  external_id: string;
  /** The external id of the system account. */
  account: string;
  client_id: string;
  content: Text | Image | Voice | Video | File | Sticker | Location | Contact | Link | MergedForward | Custom | Poll | Notice;
}

/** Return the direct conversation with a user, made where there is none yet. */
export interface OpenDirect {
  user_id: string;
}

/** Return the caller's note-to-self conversation, made where there is none yet. */
export type OpenSelf = Record<string, never>;

/** Return the conversation that a widget shows. Exactly one of the fields is given. */
export interface OpenWidget {
  /** Of an object of the business whose group the caller is in. */
  external_id?: string;
  /** Of a person; the direct conversation is made where there is none. */
  handle?: string;
  /** The caller's own, minted with a peer: the direct conversation with that one. */
  login_token?: string;
}

/** The origin of a forwarded message. */
export interface Origin {
  sender: string;
  name?: string;
  conversation_id?: string;
}

/** An entry that a reader could not handle and passed over. */
export interface PassedOver {
  reader: string;
  number: number;
  log_id: string;
  seq: number;
  kind: string;
  at_ms: number;
  tries: number;
  error: string;
  /** Whether it is to be tried again in a moment. */
  is_wanted: boolean;
}

/** The way in which a password was changed. */
export interface PasswordChanged {
  how: "changed" | "reset" | "set_by_administrator";
}

/** The other one's cursors; zero where their privacy hides them. */
export interface PeerCursors {
  user_id: string;
  read_seq?: number;
  delivered_seq?: number;
}

/** A page of people; `next_after` is the next page's `after`, empty at the end. */
export interface People {
  people: Person[];
  next_after?: string;
}

/** The least role that may do each thing. */
export interface Permissions {
  invite?: Role;
  speak?: Role;
  add_files?: Role;
  pin?: Role;
  edit_info?: Role;
  mention_all?: Role;
  see_members?: Role;
}

/** A person's relation to the caller or, in an entry, to the log's owner. */
export interface Person {
  user_id: string;
  friend?: boolean;
  blocked?: boolean;
  muted?: boolean;
  remark?: string;
  /** When they became friends; 0 when they are not. */
  since_ms?: number;
}

/** A stretch of a file that a client sends to the bucket itself. */
export interface Piece {
  /** The offset of its first byte in the file. */
  first: number;
  length_bytes: number;
  /** The URL to PUT exactly these bytes; whoever knows it may. A repeat replaces them. */
  url: string;
}

/** A pinned message, who pinned it, and when. */
export interface Pin {
  message: Entry;
  pinned_by: string;
  pinned_at_ms: number;
}

/** Pin a message for everybody in the conversation. */
export interface PinMessage {
  conversation_id: string;
  seq: number;
}

/** No parameters. */
export type Ping = Record<string, never>;

/** The pinned messages, the latest pinned one first. */
export interface Pins {
  pins: Pin[];
}

/** A question with options; `closes_at_ms` 0 means that its author closes it. */
export interface Poll {
  type: "poll";
  question: string;
  options: string[];
  multiple?: boolean;
  anonymous?: boolean;
  closes_at_ms?: number;
}

/** The final state of a poll. */
export interface PollClosed {
  seq: number;
  tallies: number[];
  voters: number;
}

/** The state of a poll: votes by option, voters, and the caller's choice. */
export interface PollInfo {
  tallies: number[];
  voters: number;
  mine: number[];
  closed: boolean;
}

/** The state of a poll after the caller's vote or closing. */
export interface PollTally {
  /** Its seq in the log; 0 when nothing changed. */
  entry_seq: number;
  tallies: number[];
  voters: number;
}

/** The state of a poll after a vote. */
export interface PollVoted {
  seq: number;
  /** Votes by option. */
  tallies: number[];
  voters: number;
  /** The choice of the entry's sender; None in an anonymous poll. */
  choice?: number[] | null;
}

/** The answer to `ping`. */
export interface Pong {
  time_ms: number;
}

/** One user's preferences for one conversation. */
export interface Preference {
  user_id: string;
  conversation_id: string;
  pinned?: boolean;
  /** No notification until then; -1 means until unmuted. */
  muted_until_ms?: number;
  archived?: boolean;
  marked_unread?: boolean;
  folder?: string;
  draft?: string;
  draft_at_ms?: number;
  /** Not listed until a message arrives after `hidden_seq`. */
  hidden?: boolean;
  /** The last seq of the conversation's log when it was hidden. */
  hidden_seq?: number;
  /** This user no longer sees what stands at or before this seq, because he or she cleared the conversation or because it is kept for a time only. */
  cleared_seq?: number;
  /** The ordinal at `cleared_seq`: nothing up to here counts as unread. */
  cleared_ordinal?: number;
}

/** In the order in which they were asked for. */
export interface Presences {
  presences: UserPresence[];
}

/** Look at a group that one may join, before joining. */
export interface PreviewGroup {
  conversation_id: string;
}

/** Look at the group that a link leads to. */
export interface PreviewLink {
  token: string;
}

/** A user's privacy settings. */
export interface Privacy {
  who_may_write?: "everyone" | "friends";
  who_may_invite?: "everyone" | "friends";
  found_by_handle?: boolean;
  found_by_name?: boolean;
  found_by_email?: boolean;
  found_by_phone?: boolean;
  shows_presence?: "everyone" | "friends" | "nobody";
  sends_receipts?: boolean;
}

/** A user as others see it. A deleted user has nothing but the id and the state. */
export interface Profile {
  user_id: string;
  handle?: string | null;
  name?: string;
  avatar?: string;
  bio?: string;
  status?: Status;
  bot?: boolean;
  state?: "active" | "deactivated" | "deleted";
}

/** Some profiles; `next_after` is the `after` of the next page, empty at the end. */
export interface ProfilePage {
  users: Profile[];
  next_after?: string;
}

export interface Push {
  event: string;
  data: Record<string, unknown>;
}

/** The message that this one answers. Its text is not copied, so a recall leaves none. */
export interface Quote {
  seq: number;
  sender: string;
}

/** Put an emoji to a message, or take it back; what is so already changes nothing. */
export interface React {
  conversation_id: string;
  seq: number;
  emoji: string;
  add?: boolean;
}

/** Wake a deactivated account. */
export interface ReactivateUser {
  user_id: string;
}

/** A user who put an emoji there, and when. */
export interface Reactor {
  user_id: string;
  at_ms: number;
}

/** A page of reactors; `next` is the following page's `after`, empty on the last one. */
export interface Reactors {
  reactors: Reactor[];
  next?: string;
}

/** The caller's read cursor, and what is left. */
export interface ReadMark {
  read_seq: number;
  read_ordinal: number;
  unread: number;
}

/** The progress of a reader of the logs, or of one part of it. */
export interface ReaderInfo {
  name: string;
  /** Entries that it has not passed; 10,000 and more alike. */
  entries: number;
  /** The age of the oldest of them. */
  seconds: number;
  /** The share of all entries that it has passed, from 0 to 1. */
  progress: number;
  /** Whether what it makes can be made anew from all entries. */
  can_rebuild: boolean;
}

/** All readers, and what they passed over (at most 100 of each reader). */
export interface ReaderStates {
  readers: ReaderInfo[];
  passed: PassedOver[];
}

/** Take away all that a reader made, and let it begin anew with the first entry. */
export interface RebuildReader {
  /** The reader, with all of its parts. */
  name: string;
}

/** Take a message back for everybody: its content is gone from the server. */
export interface RecallMessage {
  conversation_id: string;
  seq: number;
}

/** Try a dead letter once more, at once and out of order; it goes when that succeeds. */
export interface Redeliver {
  webhook_id: string;
  /** The dead letter's first position. */
  first: number;
}

/** Exchange a refresh token for new tokens. */
export interface Refresh {
  refresh_token: string;
}

/** Make an account and log this device in. */
export interface Register {
  password: string;
  handle?: string | null;
  email?: string | null;
  phone?: string | null;
  /** Shown to others, at most 64 characters; empty takes the handle. */
  name?: string;
  invite?: string;
  locale?: string;
  platform?: "android" | "bot" | "cli" | "desktop" | "ios" | "linux" | "macos" | "web" | "widget" | "windows";
  device_name?: string;
}

/** Remove users from a bound group; who is not in it is left out. */
export interface RemoveBoundMembers {
  external_id: string;
  /** External ids of users. */
  members: string[];
}

/** Give one of the caller's devices a name of at most 64 characters. */
export interface RenameDevice {
  device_id: string;
  name: string;
}

/** Deliver again everything after a position (or leave out everything up to it). */
export interface ReplayWebhook {
  webhook_id: string;
  /** 0 for everything from the beginning. */
  position: number;
}

export interface Request {
  id: number;
  method: string;
  params?: Record<string, unknown>;
}

/** Ask somebody to be friends. */
export interface RequestFriend {
  user_id: string;
  message?: string;
}

/** Send a one-time code, good for 15 minutes, to the account's e-mail address. */
export interface RequestPasswordReset {
  identifier: string;
}

/** The result of a request: it waits for an answer, or the two are friends. */
export interface Requested {
  state: "friends" | "open";
}

/** A page of requests; `next_after` is the next page's `after`, empty at the end. */
export interface Requests {
  requests: FriendRequestInfo[];
  next_after?: string;
}

/** Move a scheduled message to another time; one that was refused is tried again. */
export interface RescheduleMessage {
  client_id: string;
  at_ms: number;
}

/** A one-time code to hand to the user in person; see `ResetPassword`. */
export interface ResetCode {
  code: string;
  expires_at_ms: number;
}

/** Set a new password with a one-time code; all devices are removed. */
export interface ResetPassword {
  identifier: string;
  code: string;
  new_password: string;
}

export interface Result {
  id: number;
  result: unknown;
}

/** Return which pieces have not come, with new links; the upload lives on as from its begin. */
export interface ResumeDirectUpload {
  upload_id: string;
}

/** Let a reader try again what it passed over. */
export interface RetryPassed {
  reader: string;
  /** The number of the entry; 0 tries all of this reader. */
  number?: number;
}

/** One version of a message. */
export interface RevisionInfo {
  version: number;
  content: Text | Image | Voice | Video | File | Sticker | Location | Contact | Link | MergedForward | Custom | Poll | Notice;
  since_ms: number;
}

/** The earlier versions of a message, oldest first. */
export interface Revisions {
  revisions: RevisionInfo[];
}

/** Make an app password worthless; the device that logged in with it gets `kicked`. */
export interface RevokeAppPassword {
  app_password_id: string;
}

/** Make a key worthless at once; what it has connected is cut. Revoking again is no error. */
export interface RevokeKey {
  key_id: string;
}

/** Take a link away; changes nothing where there is none in this group. */
export interface RevokeLink {
  conversation_id: string;
  token: string;
}

/** A member's role, from least to most. */
export type Role = "admin" | "member" | "owner";

/** Give a webhook another secret; the one before signs too for a while. */
export interface RotateSecret {
  webhook_id: string;
  /** Seconds in which deliveries are signed with both secrets. */
  overlap_s?: number;
}

/** The outcome of a scheduled message. */
export interface ScheduleChanged {
  client_id: string;
  conversation_id: string;
  /** Once sent, it stands in the conversation under its `client_id`. */
  state: "cancelled" | "failed" | "sent" | "waiting";
  /** When it is to be sent. */
  at_ms?: number;
  code?: string;
  /** The refusal, once failed. */
  message?: string;
}

/** Send a message later, as `message.send` would at that time. */
export interface ScheduleMessage {
  conversation_id: string;
  client_id: string;
  content: Text | Image | Voice | Video | File | Sticker | Location | Contact | Link | MergedForward | Custom | Poll | Notice;
  at_ms: number;
  quote_seq?: number;
  burn_after_ms?: number;
}

/** A message that waits for its time, or that was refused when its time came. */
export interface Scheduled {
  client_id: string;
  conversation_id: string;
  content: Text | Image | Voice | Video | File | Sticker | Location | Contact | Link | MergedForward | Custom | Poll | Notice;
  at_ms: number;
  quote_seq?: number;
  burn_after_ms?: number;
  failed_code?: string;
  /** The refusal; move it to try again, or cancel it. */
  failed_message?: string;
}

/** A user's scheduled messages, the next one first. */
export interface Schedules {
  schedules: Scheduled[];
}

/** Find users who let themselves be found. */
export interface SearchUsers {
  query: string;
  after?: string;
  /** 1 to 50. */
  limit?: number;
}

/** Append a message to a conversation. */
export interface SendMessage {
  conversation_id: string;
  client_id: string;
  content: Text | Image | Voice | Video | File | Sticker | Location | Contact | Link | MergedForward | Custom | Poll | Notice;
  /** The message that this one answers; 0 for none. */
  quote_seq?: number;
  burn_after_ms?: number;
}

/** Signal to the others that the caller is writing, or has stopped, by `typing`. */
export interface SendTyping {
  conversation_id: string;
  state?: "recording" | "stopped" | "typing" | "uploading";
}

/** Keep what the caller has begun to write, for all of their devices. */
export interface SetDraft {
  conversation_id: string;
  /** Empty to drop it. */
  text: string;
}

/** Set the caller's name in this group; empty takes it away. */
export interface SetNickname {
  conversation_id: string;
  nickname: string;
}

/** Change how the caller keeps a conversation; what is not given stays as it is. */
export interface SetPreference {
  conversation_id: string;
  pinned?: boolean | null;
  /** 0 unmutes, -1 mutes until unmuted. */
  muted_until_ms?: number | null;
  archived?: boolean | null;
  marked_unread?: boolean | null;
  /** At most 64 characters; empty for none. */
  folder?: string | null;
  /** Not listed until a message arrives. */
  hidden?: boolean | null;
}

/** Give a friend a name that only the caller sees; empty takes it away. */
export interface SetRemark {
  user_id: string;
  remark: string;
}

/** Make a member an admin, or an admin a member. */
export interface SetRole {
  conversation_id: string;
  user_id: string;
  role: "admin" | "member";
}

/** A signal as it is pushed. */
export interface SignalData {
  log_id: string;
  kind: string;
  sender: string;
  body: unknown;
}

/** Usage statistics. Days are those of UTC. */
export interface Statistics {
  /** Accounts that were not deleted, bots too. */
  users: number;
  active_today: number;
  active_7_days: number;
  /** Users active in the last 30 days, today among them. */
  active_30_days: number;
  /** All messages ever sent. */
  messages: number;
  /** The last 30 days, oldest first. */
  days: Day[];
  /** Conversations ever opened, by kind. */
  conversations: Record<string, number>;
  /** Bytes on the disk, by kind; `free` is what is left there. */
  storage_bytes: Record<string, number>;
  connected_devices: number;
}

/** A custom status; `until_ms` 0 means until it is changed. */
export interface Status {
  emoji?: string;
  text?: string;
  until_ms?: number;
}

/** A sticker of a pack, or one large emoji. */
export interface Sticker {
  type: "sticker";
  emoji?: string;
  pack?: string;
  media_id?: string;
}

/** Bring a device up to date: "here are the seqs I have". */
export interface Sync {
  /** The last entry of the user's own log that the device has. */
  user_seq?: number;
  /** Conversation -> the last seq that the device has. */
  known?: Record<string, number>;
  /** 0 to 50. A page holds about 5,000 entries and 2 MiB of bodies at most. */
  entries_per_conversation?: number;
  /** 1 to 1000 conversations. */
  limit?: number;
  after?: string;
}

/** A page of what a device lacks. */
export interface Synced {
  conversations: SyncedConversation[];
  /** Ask again with this as `after` (and the same `known`); None on the last page. */
  next_after?: string | null;
  /** First page only: known conversations in which the user is no more. */
  left?: string[];
  /** First page only: where the user's own log ends now. */
  user_seq?: number;
  /** First page only: the user's own log after the given `user_seq`. */
  user_entries?: Entry[];
  /** First page only: the user's log is too long; take everything anew (`known` empty). */
  user_log_truncated?: boolean;
  /** Names this state of the logs; another one after the server was restored from a backup. What a device knows of another generation is void: drop it, but for what is not sent yet, and begin anew. */
  generation?: string;
}

/** A conversation and what a device lacks of it. */
export interface SyncedConversation {
  conversation: Conversation;
  /** The newest ones that the device lacks, oldest first. */
  entries: Entry[];
  /** `entries` has all that is visible from this seq to `conversation.head.seq`. */
  from_seq: number;
  /** There is more between what the device knows and `from_seq`: ask for the history. */
  gap: boolean;
}

/** Plain text with entities. */
export interface Text {
  type: "text";
  text: string;
  entities?: Entity[];
}

/** A way to download a file without a header, for `<img>` and `<video>`. */
export interface Ticket {
  /** Below the server's address. It names the caller, and is good for the caller's rights at the time of each download: treat it as a secret. */
  url: string;
  expires_at_ms: number;
}

/** The tokens of a device that has logged in. */
export interface Tokens {
  user_id: string;
  device_id: string;
  access_token: string;
  expires_in_s: number;
  refresh_token: string;
}

/** Return how far a message has come: stored, received by which node, pushed, delivered, read. */
export interface TraceMessage {
  conversation_id: string;
  seq?: number;
  sender?: string;
  client_id?: string;
}

/** The way of one message. A time that nobody noted is 0. */
export interface Traced {
  conversation_id: string;
  seq: number;
  kind: string;
  sender: string;
  client_id: string;
  /** When the server judged it, just before it was stored. */
  accepted_at_ms: number;
  /** Whether it is in the log: then it is on disk and is delivered by sync at the latest. */
  is_stored?: boolean;
  /** The nodes that received it. */
  nodes?: NodeTrace[];
  /** The members, by id; at most 200. */
  users?: TracedUser[];
  /** Whether there are more members. */
  is_cut?: boolean;
}

/** A message's progress to one device. */
export interface TracedDevice {
  device_id: string;
  platform: string;
  /** When the device was last seen at all. */
  seen_at_ms: number;
  /** When it was handed to the device's connection; 0 when that is not known. */
  pushed_at_ms?: number;
  /** By which node. */
  node?: string;
  /** Whether that connection is still open. */
  is_connected?: boolean;
}

/** A message's progress to one member. */
export interface TracedUser {
  user_id: string;
  /** Whether the entry is within what this member may see of the conversation. */
  may_see: boolean;
  /** Whether one of the user's devices has said that it has it, or was ahead of it. */
  is_delivered: boolean;
  /** Whether the user's reading cursor is at it or behind it. */
  is_read: boolean;
  devices?: TracedDevice[];
}

/** Make another member the owner; the caller becomes an admin. */
export interface TransferGroup {
  conversation_id: string;
  user_id: string;
}

/** Lift a ban; changes nothing where there is none. */
export interface UnbanMember {
  conversation_id: string;
  user_id: string;
}

/** Take a block away; changes nothing where there is none. */
export interface UnblockPerson {
  user_id: string;
}

/** Unpin a message. */
export interface UnpinMessage {
  conversation_id: string;
  seq: number;
}

/** Cancel a scheduled message. When this is answered, it will not be sent. */
export interface UnscheduleMessage {
  client_id: string;
}

/** Watch these users no longer from this device. */
export interface UnwatchPresence {
  user_ids: string[];
}

/** Change what is given and leave the rest; what is so already is not logged again. */
export interface UpdateGroup {
  conversation_id: string;
  /** 1 to 64 characters. */
  name?: string | null;
  /** A media id, at most 128 characters; empty takes it away. */
  avatar?: string | null;
  /** At most 4,000 characters. */
  notice?: string | null;
  join_policy?: "approval" | "closed" | "free" | "invite" | null;
  /** At most 200 characters. */
  join_question?: string | null;
  muted_all?: boolean | null;
  /** 0 (off) to 86,400 seconds between two messages of a member. */
  slow_mode_s?: number | null;
  /** 0 (as long as the server keeps them) to 36,500 days after which messages are gone for everybody. The server may keep all conversations for a shorter time. */
  retention_days?: number | null;
  /** Concerns those who join from now on. */
  history_visible?: boolean | null;
  /** The whole table. */
  permissions?: Permissions | null;
  /** 2 to 100,000; below the number of members nobody can join. */
  members_limit?: number | null;
}

/** Change what is given and leave the rest. */
export interface UpdateProfile {
  /** At most 64 characters. */
  name?: string;
  /** Null gives it up; an e-mail address or telephone number must then be left. */
  handle?: string | null;
  /** A media id; empty for none. */
  avatar?: string;
  /** At most 500 characters. */
  bio?: string;
  /** BCP 47. */
  locale?: string;
  /** Text of at most 100 and emoji of at most 16 characters. */
  status?: Status;
  privacy?: Privacy;
}

/** Change what is given and leave the rest. An inactive webhook keeps its place. */
export interface UpdateWebhook {
  webhook_id: string;
  url?: string;
  name?: string;
  kinds?: string[];
  conversation_ids?: string[];
  batch_max?: number;
  active?: boolean;
}

/** Make the account with this external id, or change it to what is given. */
export interface UpsertUser {
  /** 1 to 128 printable characters. */
  external_id: string;
  /** At most 64 characters; a new account without one is called by its external id. */
  name?: string;
  handle?: string | null;
  email?: string | null;
  phone?: string | null;
  avatar?: string;
  bio?: string;
  locale?: string;
  /** Of a new account only: it is a program's, such as a system account's. */
  bot?: boolean;
}

/** The account as it is known here, and what the command made of it. */
export interface Upserted {
  external_id: string;
  user_id: string;
  outcome: "changed" | "created" | "unchanged";
}

/** The caller's storage usage. */
export interface Usage {
  used_bytes: number;
  /** Held for uploads under way. */
  reserved_bytes: number;
  /** The limit of both together; 0 means no limit. */
  quota_bytes: number;
  /** The largest single file. */
  file_bytes_max: number;
}

/** One user's presence. Also the body of the signal `presence`. */
export interface UserPresence {
  user_id: string;
  online?: boolean;
  /** Platforms of the connected devices, such as `web` and `android`. */
  platforms?: string[];
  /** When their last device went; 0 while online, and when it is not known. */
  last_seen_ms?: number;
}

/** A video; width and height in pixels. */
export interface Video {
  type: "video";
  duration_ms?: number;
  width?: number;
  height?: number;
  poster_id?: string;
  media_id: string;
  name?: string;
  mime?: string;
  size_bytes?: number;
  caption?: string;
}

/** A voice message; the waveform holds loudness from 0 to 31. */
export interface Voice {
  type: "voice";
  duration_ms?: number;
  waveform?: number[];
  media_id: string;
  name?: string;
  mime?: string;
  size_bytes?: number;
  caption?: string;
}

/** Choose in a poll. It replaces the caller's former choice; an empty one takes it back. */
export interface VotePoll {
  conversation_id: string;
  seq: number;
  /** Places in the poll's `options`, from 0. */
  choice: number[];
}

/** Return who is online, and push each change from now on, by the signal `presence`. */
export interface WatchPresence {
  user_ids: string[];
}

/** One attempt at a delivery, in a ring of the latest ones. */
export interface WebhookAttempt {
  webhook_id: string;
  slot: number;
  at_ms: number;
  message_id: string;
  first: number;
  last: number;
  entries: number;
  attempt: number;
  /** The answer's HTTP status; 0 when there was none. */
  status?: number;
  error?: string;
  took_ms?: number;
}

/** The latest attempts (at most 100), the newest first. */
export interface WebhookAttempts {
  attempts: WebhookAttempt[];
}

/** A webhook as administrators see it. */
export interface WebhookInfo {
  webhook_id: string;
  name: string;
  url: string;
  kinds: string[];
  conversation_ids: string[];
  user_id: string;
  batch_max: number;
  active: boolean;
  created_by: string;
  created_at_ms: number;
  /** Its position in the feed. */
  position: number;
}

/** All webhooks (there are at most 100), by id. */
export interface WebhookPage {
  webhooks: WebhookInfo[];
}

/** A reference to the webhook that changed. */
export interface WebhookRef {
  webhook_id: string;
}

/** The answer to hello: who you are and what holds on this connection. */
export interface Welcome {
  user_id: string;
  device_id: string;
  protocol: number;
  server: string;
  time_ms: number;
  heartbeat_s: number;
  message_bytes_max: number;
  in_flight_max: number;
  /** As in `conversation.sync`. */
  generation?: string;
}

/** The refusal of a request: a stable code, a sentence, and whether to try again. */
export interface WireError {
  code: string;
  message: string;
  retryable: boolean;
  details?: Record<string, unknown>;
}

/** Method -> what it takes and what it answers. */
export interface Methods {
  /** List administrative acts, the newest first. */
  "admin.audit": { params: ListAudit; result: Acts };
  /** Return how far the readers of the logs are, and what they could not handle. */
  "admin.readers": { params: ListReaders; result: ReaderStates };
  /** Take away all that a reader made, and let it begin anew with the first entry. */
  "admin.rebuild_reader": { params: RebuildReader; result: Done };
  /** Let a reader try again what it passed over. */
  "admin.retry_passed": { params: RetryPassed; result: Done };
  /** Return how much the server is used. */
  "admin.statistics": { params: GetStatistics; result: Statistics };
  /** Return how far a message has come: stored, received by which node, pushed, delivered, read. */
  "admin.trace": { params: TraceMessage; result: Traced };
  /** Make a bot (or take the one with this external id) and a new key for it. */
  "app.bot_create": { params: CreateBot; result: NewBot };
  /** Make the group that belongs to an object of the business, or return the one there is. */
  "app.conversation_create": { params: CreateBoundConversation; result: BoundConversation };
  /** Return the group that belongs to an object of the business. */
  "app.conversation_get": { params: GetBoundConversation; result: BoundConversation };
  /** Add users to a bound group; who is in it already is left out. */
  "app.members_add": { params: AddBoundMembers; result: Changed };
  /** Remove users from a bound group; who is not in it is left out. */
  "app.members_remove": { params: RemoveBoundMembers; result: Changed };
  /** Make a token with which a widget on the app server's own page logs in as its user. */
  "app.mint_login_token": { params: MintLoginToken; result: LoginToken };
  /** Log a device of one of the app server's users in, silently. */
  "app.mint_token": { params: MintAppToken; result: Tokens };
  /** Write to a user as a system account, in the conversation in which nobody can answer. */
  "app.notify": { params: Notify; result: Ack };
  /** Return the user with this external id. */
  "app.user_get": { params: GetExternalUser; result: ExternalProfile };
  /** Make the account with this external id, or change it to what is given. */
  "app.user_upsert": { params: UpsertUser; result: Upserted };
  /** Make an app password for one device or program that takes no other way of logging in. */
  "app_password.create": { params: CreateAppPassword; result: NewAppPassword };
  /** List the caller's app passwords, and when each was last used. */
  "app_password.list": { params: ListAppPasswords; result: AppPasswords };
  /** Make an app password worthless; the device that logged in with it gets `kicked`. */
  "app_password.revoke": { params: RevokeAppPassword; result: Done };
  /** Read all of the caller's conversations and their own log together, in one order. */
  "conversation.archive": { params: GetArchive; result: Archived };
  /** Let the caller, and nobody else, see no more of what was said until now. */
  "conversation.clear": { params: ClearConversation; result: Preference };
  /** Return how far the peer of a direct conversation has read and received. */
  "conversation.cursors": { params: GetCursors; result: PeerCursors };
  /** Report that a device of the caller has received everything up to a seq. */
  "conversation.delivered": { params: MarkDelivered; result: Done };
  /** Keep what the caller has begun to write, for all of their devices. */
  "conversation.draft": { params: SetDraft; result: Preference };
  /** List the folders into which the caller has put conversations. */
  "conversation.folders": { params: ListFolders; result: Folders };
  /** Return one of the caller's conversations. */
  "conversation.get": { params: GetConversation; result: Conversation };
  /** Delete messages for the caller alone. */
  "conversation.hide_messages": { params: HideMessages; result: Done };
  /** Read a conversation's log, backward, forward or around a seq. */
  "conversation.history": { params: GetHistory; result: Entries };
  /** List the caller's conversations by id. Devices use `conversation.sync` instead. */
  "conversation.list": { params: ListConversations; result: Conversations };
  /** Return the direct conversation with a user, made where there is none yet. */
  "conversation.open_direct": { params: OpenDirect; result: Conversation };
  /** Return the caller's note-to-self conversation, made where there is none yet. */
  "conversation.open_self": { params: OpenSelf; result: Conversation };
  /** Change how the caller keeps a conversation; what is not given stays as it is. */
  "conversation.preference": { params: SetPreference; result: Preference };
  /** Move the caller's read cursor forward to a seq, and take back `marked_unread`. */
  "conversation.read": { params: MarkRead; result: ReadMark };
  /** Return who of those that were members when an entry was made has read it. */
  "conversation.readers": { params: GetReaders; result: MessageReaders };
  /** Bring a device up to date: "here are the seqs I have". */
  "conversation.sync": { params: Sync; result: Synced };
  /** Signal to the others that the caller is writing, or has stopped, by `typing`. */
  "conversation.typing": { params: SendTyping; result: Done };
  /** Read the caller's own log: what all of the user's devices share, oldest first. */
  "conversation.user_log": { params: GetUserLog; result: Entries };
  /** As `group.invite`, for admins, up to 1,000 at once. */
  "group.add_members": { params: AddMembers; result: Added };
  /** Accept or refuse a request to join; the same answer again changes nothing. */
  "group.answer_request": { params: AnswerJoinRequest; result: Done };
  /** Remove somebody, if they are a member, and let them neither join nor be invited. */
  "group.ban": { params: BanMember; result: Done };
  /** List bans, by user id. */
  "group.bans": { params: ListBans; result: Bans };
  /** Make a group or a channel with the caller as its owner. */
  "group.create": { params: CreateGroup; result: Created };
  /** End a group for ever: nobody can write or join. Members may still read, and leave. */
  "group.dissolve": { params: DissolveGroup; result: Done };
  /** Return a group of which the caller is a member. */
  "group.get": { params: GetGroup; result: GroupInfo };
  /** Add people to a group; those who cannot be added are named in the answer. */
  "group.invite": { params: InviteMembers; result: Added };
  /** Join a free group, or ask to join one that wants approval. */
  "group.join": { params: JoinGroup; result: Joined };
  /** List requests to join, the newest first. */
  "group.join_requests": { params: ListJoinRequests; result: JoinRequests };
  /** Remove members; who is none already is left out. */
  "group.kick": { params: KickMembers; result: Done };
  /** Leave a group; who has left already stays so. With its last member a group dissolves. */
  "group.leave": { params: LeaveGroup; result: Done };
  /** Make a link by which whoever holds it may join, without approval. */
  "group.link_create": { params: CreateLink; result: InviteLink };
  /** Join the group that a link leads to; a member stays one, and uses nothing up. */
  "group.link_join": { params: JoinByLink; result: Joined };
  /** List a group's links: all of them for admins, their own for members. */
  "group.link_list": { params: ListLinks; result: Links };
  /** Look at the group that a link leads to. */
  "group.link_preview": { params: PreviewLink; result: GroupCard };
  /** Take a link away; changes nothing where there is none in this group. */
  "group.link_revoke": { params: RevokeLink; result: Done };
  /** List members: the owner, then admins, then members, each by user id. */
  "group.members": { params: ListMembers; result: Members };
  /** List the groups of which the caller is a member. */
  "group.mine": { params: ListMyGroups; result: Groups };
  /** Forbid a member to speak until a time, or let them speak again. */
  "group.mute_member": { params: MuteMember; result: Done };
  /** Look at a group that one may join, before joining. */
  "group.preview": { params: PreviewGroup; result: GroupCard };
  /** Set the caller's name in this group; empty takes it away. */
  "group.set_nickname": { params: SetNickname; result: Done };
  /** Make a member an admin, or an admin a member. */
  "group.set_role": { params: SetRole; result: Done };
  /** Make another member the owner; the caller becomes an admin. */
  "group.transfer": { params: TransferGroup; result: Done };
  /** Lift a ban; changes nothing where there is none. */
  "group.unban": { params: UnbanMember; result: Done };
  /** Change what is given and leave the rest; what is so already is not logged again. */
  "group.update": { params: UpdateGroup; result: GroupInfo };
  /** The first request. `token` may be left out when the upgrade carried it as a header. */
  "hello": { params: Hello; result: Welcome };
  /** Make an API key, for an app server or, with `user_id`, for a bot. */
  "key.create": { params: CreateKey; result: NewKey };
  /** List all API keys, revoked ones too, by key id. */
  "key.list": { params: ListKeys; result: KeyPage };
  /** Make a key worthless at once; what it has connected is cut. Revoking again is no error. */
  "key.revoke": { params: RevokeKey; result: KeyInfo };
  /** Have a file without sending its bytes, if the caller can read the same bytes already. */
  "media.claim": { params: ClaimMedia; result: MediaInfo };
  /** Announce a file, reserve its room, and get links to send it by. */
  "media.direct_begin": { params: BeginDirectUpload; result: DirectUpload };
  /** Make a media of a file whose pieces are all there; a repeat answers the same. */
  "media.direct_finish": { params: FinishDirectUpload; result: MediaInfo };
  /** Return which pieces have not come, with new links; the upload lives on as from its begin. */
  "media.direct_resume": { params: ResumeDirectUpload; result: DirectUpload };
  /** Return what is known of a file: its type, size, dimensions, previews. */
  "media.get": { params: GetMedia; result: MediaInfo };
  /** Make a link that downloads one file, or a smaller picture of it, for some minutes. */
  "media.ticket": { params: MakeTicket; result: Ticket };
  /** Return how much the caller keeps on the server, and how much that may be. */
  "media.usage": { params: GetUsage; result: Usage };
  /** Give one's own text another text, or one's own file another caption. */
  "message.edit": { params: EditMessage; result: Edited };
  /** Keep a message as a favourite, also after leaving the conversation. */
  "message.favourite": { params: KeepFavourite; result: Noted };
  /** List the caller's favourites, the latest first. */
  "message.favourites": { params: ListFavourites; result: Favourites };
  /** Send messages of one conversation to others, each for itself or merged into one. */
  "message.forward": { params: ForwardMessages; result: ForwardReport };
  /** Return one message as it stands now. A recalled one has no content. */
  "message.get": { params: GetMessage; result: Entry };
  /** List what stands beside the messages from `first_seq` to `last_seq`. */
  "message.marks": { params: ListMarks; result: MarksInRange };
  /** Pin a message for everybody in the conversation. */
  "message.pin": { params: PinMessage; result: Noted };
  /** List a conversation's pinned messages that the caller may see (at most 50). */
  "message.pins": { params: ListPins; result: Pins };
  /** Put an emoji to a message, or take it back; what is so already changes nothing. */
  "message.react": { params: React; result: Noted };
  /** List who put this emoji to a message, the first one first. */
  "message.reactors": { params: ListReactors; result: Reactors };
  /** Take a message back for everybody: its content is gone from the server. */
  "message.recall": { params: RecallMessage; result: Noted };
  /** Move a scheduled message to another time; one that was refused is tried again. */
  "message.reschedule": { params: RescheduleMessage; result: Noted };
  /** List a message's earlier versions (at most 100). */
  "message.revisions": { params: ListRevisions; result: Revisions };
  /** Send a message later, as `message.send` would at that time. */
  "message.schedule": { params: ScheduleMessage; result: Noted };
  /** List the caller's scheduled messages (at most 100). */
  "message.schedules": { params: ListSchedules; result: Schedules };
  /** Append a message to a conversation. */
  "message.send": { params: SendMessage; result: Ack };
  /** Keep a message no longer as a favourite. */
  "message.unfavourite": { params: DropFavourite; result: Noted };
  /** Unpin a message. */
  "message.unpin": { params: UnpinMessage; result: Noted };
  /** Cancel a scheduled message. When this is answered, it will not be sent. */
  "message.unschedule": { params: UnscheduleMessage; result: Noted };
  /** Ask whether the other side is there. */
  "ping": { params: Ping; result: Pong };
  /** Close a poll: its author may, and a group's admins of a higher rank. */
  "poll.close": { params: ClosePoll; result: PollTally };
  /** Choose in a poll. It replaces the caller's former choice; an empty one takes it back. */
  "poll.vote": { params: VotePoll; result: PollTally };
  /** List who chose what in a poll, by user id. */
  "poll.votes": { params: ListVotes; result: Choices };
  /** Return who of these users is online. */
  "presence.get": { params: GetPresence; result: Presences };
  /** Watch these users no longer from this device. */
  "presence.unwatch": { params: UnwatchPresence; result: Done };
  /** Return who is online, and push each change from now on, by the signal `presence`. */
  "presence.watch": { params: WatchPresence; result: Presences };
  /** Accept or refuse the request of `user_id`; the same answer again changes nothing. */
  "relation.answer": { params: AnswerRequest; result: Done };
  /** Block somebody: they can neither write, see presence, invite nor ask to be friends. */
  "relation.block": { params: BlockPerson; result: Done };
  /** List whom the caller has blocked, by user id. */
  "relation.blocked": { params: ListBlocked; result: People };
  /** End the friendship for both; changes nothing where there is none. */
  "relation.delete": { params: DeleteFriend; result: Done };
  /** List the caller's friends, by user id. */
  "relation.friends": { params: ListFriends; result: People };
  /** Return what this person is to the caller; a stranger is nothing of all. */
  "relation.get": { params: GetRelation; result: Person };
  /** Let what somebody writes raise no notification, or let it again. */
  "relation.mute": { params: MutePerson; result: Done };
  /** Give a friend a name that only the caller sees; empty takes it away. */
  "relation.remark": { params: SetRemark; result: Done };
  /** Ask somebody to be friends. */
  "relation.request": { params: RequestFriend; result: Requested };
  /** List friend requests, the newest first. */
  "relation.requests": { params: ListRequests; result: Requests };
  /** Take a block away; changes nothing where there is none. */
  "relation.unblock": { params: UnblockPerson; result: Done };
  /** Set the caller's e-mail address, or remove it with null. */
  "user.change_email": { params: ChangeEmail; result: Account };
  /** Change the caller's password; all other devices are removed (`password_changed`). */
  "user.change_password": { params: ChangePassword; result: Done };
  /** Set the caller's telephone number, or remove it with null. */
  "user.change_phone": { params: ChangePhone; result: Account };
  /** Put an account to sleep until an administrator reactivates it; its devices are removed. */
  "user.deactivate": { params: DeactivateUser; result: Done };
  /** Put the caller's account to sleep: devices removed, not found, until the next log-in. */
  "user.deactivate_me": { params: DeactivateMe; result: Done };
  /** Delete the caller's account for good: profile emptied, handle freed, devices removed. */
  "user.delete_me": { params: DeleteMe; result: Done };
  /** Return the profiles of at most 200 users; unknown ids are left out. */
  "user.get": { params: GetUsers; result: ProfilePage };
  /** Make an invite code. */
  "user.invite_create": { params: CreateInvite; result: Invite };
  /** List the invites that were neither used up nor revoked, by code. */
  "user.invite_list": { params: ListInvites; result: InvitePage };
  /** Make an invite worthless. */
  "user.invite_revoke": { params: CancelInvite; result: Done };
  /** Remove all devices of a user. */
  "user.kick": { params: KickUser; result: Done };
  /** Remove one of the caller's devices; it gets the reason `kicked`. */
  "user.kick_device": { params: KickDevice; result: Done };
  /** Remove all devices of the caller but the one that asks. */
  "user.kick_other_devices": { params: KickOtherDevices; result: Done };
  /** List all accounts, deleted ones too, by user id. */
  "user.list": { params: ListUsers; result: AccountPage };
  /** List the caller's devices (there are few; see the server's limit). */
  "user.list_devices": { params: ListDevices; result: DeviceList };
  /** Log this device in by handle, e-mail address or telephone number. */
  "user.log_in": { params: LogIn; result: Tokens };
  /** Log a widget in with a token that the host's server has minted. */
  "user.log_in_with_token": { params: LogInWithToken; result: Tokens };
  /** Remove the device that asks; its tokens are worth nothing from now on. */
  "user.log_out": { params: LogOut; result: Done };
  /** Return the caller's own account. */
  "user.me": { params: GetMe; result: Account };
  /** Wake a deactivated account. */
  "user.reactivate": { params: ReactivateUser; result: Done };
  /** Exchange a refresh token for new tokens. */
  "user.refresh": { params: Refresh; result: Tokens };
  /** Make an account and log this device in. */
  "user.register": { params: Register; result: Tokens };
  /** Give one of the caller's devices a name of at most 64 characters. */
  "user.rename_device": { params: RenameDevice; result: Done };
  /** Send a one-time code, good for 15 minutes, to the account's e-mail address. */
  "user.request_password_reset": { params: RequestPasswordReset; result: Done };
  /** Make a one-time code with which the user can set a new password. */
  "user.reset_code_create": { params: CreateResetCode; result: ResetCode };
  /** Set a new password with a one-time code; all devices are removed. */
  "user.reset_password": { params: ResetPassword; result: Done };
  /** Find users who let themselves be found. */
  "user.search": { params: SearchUsers; result: ProfilePage };
  /** Change what is given and leave the rest. */
  "user.update": { params: UpdateProfile; result: Account };
  /** List the latest attempts at deliveries of a webhook. */
  "webhook.attempts": { params: ListAttempts; result: WebhookAttempts };
  /** Subscribe a URL to what happens from now on. */
  "webhook.create": { params: CreateWebhook; result: NewWebhook };
  /** List the batches of a webhook that were given up, by position. */
  "webhook.dead_letters": { params: ListDeadLetters; result: DeadLetters };
  /** Remove a webhook, its attempts and its dead letters. */
  "webhook.delete": { params: DeleteWebhook; result: Done };
  /** List all webhooks and how far they have come. */
  "webhook.list": { params: ListWebhooks; result: WebhookPage };
  /** Try a dead letter once more, at once and out of order; it goes when that succeeds. */
  "webhook.redeliver": { params: Redeliver; result: Done };
  /** Deliver again everything after a position (or leave out everything up to it). */
  "webhook.replay": { params: ReplayWebhook; result: WebhookInfo };
  /** Give a webhook another secret; the one before signs too for a while. */
  "webhook.rotate_secret": { params: RotateSecret; result: NewWebhook };
  /** Change what is given and leave the rest. An inactive webhook keeps its place. */
  "webhook.update": { params: UpdateWebhook; result: WebhookInfo };
  /** Return the conversation that a widget shows. Exactly one of the fields is given. */
  "widget.open": { params: OpenWidget; result: Conversation };
}

/** Kind of entry or signal -> its body. */
export interface Bodies {
  "conversation.changed": ConversationChanged;
  "conversation.created": ConversationCreated;
  "conversation.read": ConversationRead;
  "conversation.trimmed": ConversationTrimmed;
  "device.added": DeviceInfo;
  "device.changed": DeviceInfo;
  "device.removed": DeviceRemoved;
  "favourite.changed": FavouriteChanged;
  "friend.answered": FriendAnswered;
  "friend.requested": FriendRequested;
  "group.join_answered": JoinAnswered;
  "group.join_requested": JoinRequested;
  "key.changed": KeyInfo;
  "media.ready": MediaInfo;
  "member.changed": MemberChanged;
  "members.joined": MembersJoined;
  "members.left": MembersLeft;
  "membership.joined": MembershipJoined;
  "membership.left": MembershipLeft;
  "membership.role": MembershipRole;
  "message": MessageBody;
  "message.burned": MessageBurned;
  "message.edited": MessageEdited;
  "message.pinned": MessagePinned;
  "message.reacted": MessageReacted;
  "message.recalled": MessageRecalled;
  "messages.hidden": MessagesHidden;
  "password.changed": PasswordChanged;
  "poll.closed": PollClosed;
  "poll.voted": PollVoted;
  "preference.changed": Preference;
  "presence": UserPresence;
  "profile": Profile;
  "relation.changed": Person;
  "schedule.changed": ScheduleChanged;
  "user.changed": Account;
  "user.registered": Account;
  "webhook.changed": WebhookRef;
}
