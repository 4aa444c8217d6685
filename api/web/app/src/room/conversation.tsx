// The chat as one sees it.

import { Trans, useLingui } from "@lingui/react/macro";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { session, useConnection } from "../lib/api.ts";
import type { Place } from "../lib/upload.ts";
import { problem } from "../lib/words.ts";
import { Button } from "../ui/parts.tsx";
import type { Chat } from "./chat.ts";
import { Entry } from "./entry.tsx";
import { Attach } from "../ui/files.tsx";
import { useStore } from "./store.ts";

interface ConversationProps {
  chat: Chat;
  /** Where what is attached belongs. */
  place: Place;
  nameOf: (user: string) => string;
  /** Nothing more can be written. */
  closed?: boolean;
}

export function Conversation({ chat, place, nameOf, closed = false }: ConversationProps) {
  const { t } = useLingui();
  const { lines, writing, read, refused } = useStore(chat);
  const connected = useConnection() === "open";
  const list = useRef<HTMLDivElement>(null);
  const own = session.user?.id ?? "";
  const count = lines.length;
  useEffect(() => {
    if (list.current && count > 0) list.current.scrollTop = list.current.scrollHeight;
    if (document.visibilityState === "visible") chat.markRead();
  }, [count, chat]);
  useEffect(() => {
    const seen = () => document.visibilityState === "visible" && chat.markRead();
    document.addEventListener("visibilitychange", seen);
    return () => document.removeEventListener("visibilitychange", seen);
  }, [chat]);
  const others = Object.entries(read).filter(([user]) => user !== own);
  const seen = Math.max(0, ...others.map(([, seq]) => seq));
  const last = lines.findLast((line) => line.sender === own && line.seq !== null && line.seq <= seen);
  const who = writing.map(nameOf).join(", ");
  return (
    <section className="chat card" aria-label={t`Chat`}>
      <h2><Trans>Chat</Trans></h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <div ref={list} className="log" role="log" aria-live="polite" tabIndex={0} aria-label={t`Messages`}>
        {lines.length === 0 && <p className="quiet"><Trans>Nothing has been written yet.</Trans></p>}
        <ol>{lines.filter(({ body, file }) => body !== "" || file).map((line) => (
          <Entry key={line.key} chat={chat} line={line} name={line.sender === own ? t`You` : nameOf(line.sender)} mine={line.sender === own}
            read={line === last} open={!closed} list={list} />
        ))}</ol>
      </div>
      <p className="quiet writing" role="status">{who ? <Trans>{who} is writing …</Trans> : null}</p>
      {refused && <p className="error" role="alert">{problem(refused.error)}</p>}
      {!connected && <p className="quiet"><Trans>Not connected just now. What you write is sent as soon as possible.</Trans></p>}
      {closed ? <p className="quiet"><Trans>This conversation is closed.</Trans></p> : <Writing chat={chat} place={place} />}
    </section>
  );
}

function Writing({ chat, place }: { chat: Chat; place: Place }) {
  const { t } = useLingui();
  const [body, setBody] = useState("");
  const send = (event?: FormEvent) => {
    event?.preventDefault();
    if (!body.trim()) return;
    setBody("");
    void chat.send(body.trim());
  };
  return (
    <form className="writing-form" onSubmit={send}>
      <textarea className="input" rows={1} value={body} maxLength={8000} aria-label={t`Message`} placeholder={t`Message`}
        onChange={(event) => {
          setBody(event.target.value);
          if (event.target.value) chat.type();
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            send();
          }
        }} />
      <Button type="submit"><Trans>Send</Trans></Button>
      <Attach place={place} onSent={(id) => chat.share(id)}><Trans>Attach</Trans></Attach>
    </form>
  );
}
