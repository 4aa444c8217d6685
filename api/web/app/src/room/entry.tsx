// One line of the chat; of one's own, with what can be done to it.

import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation } from "@tanstack/react-query";
import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from "react";
import { Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { clock } from "../lib/time.ts";
import { Button, Dialog, Trouble } from "../ui/parts.tsx";
import type { Chat, Line } from "./chat.ts";
import { FileCard } from "../ui/files.tsx";

interface EntryProps {
  chat: Chat;
  line: Line;
  name: string;
  mine: boolean;
  read: boolean;
  /** It can be edited and deleted. */
  open: boolean;
  /** Where the focus goes from what is there no longer. */
  list: RefObject<HTMLElement | null>;
}

export function Entry({ chat, line, name, mine, read, open, list }: EntryProps) {
  const [doing, setDoing] = useState<"edit" | "delete" | null>(null);
  const own = mine && open && line.id !== null && line.body !== null;
  const done = () => {
    setDoing(null);
    list.current?.focus();
  };
  return (
    <li className={mine ? "mine" : "theirs"}>
      <b>{name}</b>
      {own && doing !== "edit" && <Actions file={Boolean(line.file)} onChoose={setDoing} />}
      {own && doing === "edit" ? <Edit chat={chat} line={line} onDone={done} /> : <Said line={line} />}
      <small>
        {line.seq === null ? <Trans>waits to be sent</Trans> : clock(line.at)}
        {line.edited && <> · <Trans>edited</Trans></>}
        {read && <> · <Trans>read</Trans></>}
      </small>
      {own && <Delete chat={chat} line={line} open={doing === "delete"} onClose={() => setDoing(null)} onDone={done} />}
    </li>
  );
}

function Said({ line: { file, body } }: { line: Line }) {
  if (file) return <FileCard id={file.id} />;
  return <p>{body === null ? <i><Trans>Deleted</Trans></i> : body}</p>;
}

function Actions({ file, onChoose }: { file: boolean; onChoose: (what: "edit" | "delete") => void }) {
  const { t } = useLingui();
  return (
    <MenuTrigger>
      <Button look="plain" aria-label={t`Change this message`}>⋯</Button>
      <Popover placement="bottom end">
        <Menu className="menu" aria-label={t`Change this message`} onAction={(what) => onChoose(what as "edit" | "delete")}>
          {!file && <MenuItem id="edit" className="menu-item"><Trans>Edit</Trans></MenuItem>}
          <MenuItem id="delete" className="menu-item"><Trans>Delete</Trans></MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

function Edit({ chat, line, onDone }: { chat: Chat; line: Line; onDone: () => void }) {
  const { t } = useLingui();
  const [body, setBody] = useState(line.body ?? "");
  const field = useRef<HTMLTextAreaElement>(null);
  const save = useMutation({ mutationFn: () => chat.edit(line, body.trim()), onSuccess: onDone });
  useEffect(() => field.current?.focus(), []);
  const submit = () => body.trim() && !save.isPending && save.mutate();
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Escape") onDone();
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <form className="stack tight" onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <textarea ref={field} className="input" rows={2} maxLength={8000} aria-label={t`The message as it should be`}
        value={body} onChange={(event) => setBody(event.target.value)} onKeyDown={keys} />
      <Trouble error={save.error} />
      <div className="row">
        <Button type="submit" isPending={save.isPending}><Trans>Save</Trans></Button>
        <Button look="second" onPress={onDone}><Trans>Cancel</Trans></Button>
      </div>
    </form>
  );
}

function Delete({ chat, line, open, onClose, onDone }: { chat: Chat; line: Line; open: boolean; onClose: () => void; onDone: () => void }) {
  const { t } = useLingui();
  const remove = useMutation({ mutationFn: () => chat.remove(line), onSuccess: onDone });
  return (
    <Dialog title={t`Delete this message?`} open={open} onClose={onClose}>
      <p><Trans>Nobody can read it any more. Everybody sees that there was a message.</Trans></p>
      <Trouble error={remove.error} />
      <div className="row">
        <Button look="danger" isPending={remove.isPending} onPress={() => remove.mutate()}><Trans>Delete</Trans></Button>
        <Button look="second" onPress={onClose}><Trans>Cancel</Trans></Button>
      </div>
    </Dialog>
  );
}
