// What stays of a consultation beside its words: files, recordings, drawings.

import { Trans } from "@lingui/react/macro";
import { role } from "../lib/words.ts";
import type { Chat } from "./chat.ts";
import { Drawings } from "./drawing.tsx";
import { FileCard } from "../ui/files.tsx";
import { RecordingList } from "./recording.tsx";
import type { Room } from "./room.ts";
import { useStore } from "./store.ts";

export function Kept({ room }: { room: Room }) {
  const { chat, recordings } = useStore(room);
  return (
    <section className="stack">
      <h2><Trans>Files</Trans></h2>
      {chat && <Files chat={chat} />}
      {recordings && <RecordingList recordings={recordings} />}
      <Drawings consultationId={room.id} nameOf={(user) => role(room.roleOf(user))} />
    </section>
  );
}

function Files({ chat }: { chat: Chat }) {
  const { lines } = useStore(chat);
  const ids = new Set(lines.flatMap(({ file }) => (file ? [file.id] : [])));
  if (ids.size === 0) return <p className="quiet"><Trans>No file has been shared. Attach one in the chat.</Trans></p>;
  return <ul className="stack">{[...ids].map((id) => <li key={id} className="card"><FileCard id={id} /></li>)}</ul>;
}
