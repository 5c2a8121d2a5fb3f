/** Opens the dialogs. They are loaded when first opened, so that the first page stays small. */

import type { ConversationHandle, ConversationSummary, wire } from "@hongyan/sdk";
import { lazy } from "preact/compat";
import { openDialog } from "../../model/feedback.js";
import type { ComposerState } from "../conversation/composerState.js";

const AddContact = lazy(() => import("./AddContact.js"));
const AddMembers = lazy(() => import("./AddMembers.js"));
const CreateGroup = lazy(() => import("./CreateGroup.js"));
const FilesDialog = lazy(() => import("./FilesDialog.js"));
const FolderDialog = lazy(() => import("./FolderDialog.js"));
const Forward = lazy(() => import("./Forward.js"));
const InviteLinks = lazy(() => import("./InviteLinks.js"));
const JoinRequests = lazy(() => import("./JoinRequests.js"));
const PersonDialog = lazy(() => import("./PersonDialog.js"));
const PollDialog = lazy(() => import("./PollDialog.js"));
const ReadersDialog = lazy(() => import("./ReadersDialog.js"));
const RevisionsDialog = lazy(() => import("./RevisionsDialog.js"));
const VotesDialog = lazy(() => import("./VotesDialog.js"));

export const openAddContact = () => openDialog(AddContact, {});
export const openCreateGroup = (kind: "group" | "channel") => openDialog(CreateGroup, { kind });
export const openAddMembers = (summary: ConversationSummary) => openDialog(AddMembers, { summary });
export const openInviteLinks = (summary: ConversationSummary) => openDialog(InviteLinks, { summary });
export const openJoinRequests = (summary: ConversationSummary) => openDialog(JoinRequests, { summary });
export const openFolder = (summary: ConversationSummary) => openDialog(FolderDialog, { summary });
export const openForward = (handle: ConversationHandle, seqs: number[]) => openDialog(Forward, { handle, seqs });
export const openReaders = (handle: ConversationHandle, seq: number) => openDialog(ReadersDialog, { handle, seq });
export const openRevisions = (handle: ConversationHandle, seq: number) => openDialog(RevisionsDialog, { handle, seq });
export const openPoll = (handle: ConversationHandle) => openDialog(PollDialog, { handle });
export const openVotes = (composerState: ComposerState, seq: number, content: wire.Poll) => openDialog(VotesDialog, { composerState, seq, content });
export const openPerson = (userId: string, summary?: ConversationSummary) =>
  openDialog(PersonDialog, { userId, summary });
export const openFiles = (files: File[], send: (files: File[], caption: string) => void) =>
  openDialog(FilesDialog, { files, send });
