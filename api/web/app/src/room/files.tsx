// Files in a chat: on their way, in a message, and all of them.

import { answer } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { FileTrigger } from "react-aria-components";
import { api } from "../lib/api.ts";
import { file as fileQuery } from "../lib/queries.ts";
import { type Place, upload } from "../lib/upload.ts";
import { bytes, problem } from "../lib/words.ts";
import { Button, Dialog, Trouble } from "../ui/parts.tsx";
import type { Chat } from "./chat.ts";

interface Upload {
  key: string;
  file: File;
  share: number;
  error: unknown;
  stop: AbortController;
}

/** Files that one sends, with how far they are. */
export function Attach({ chat, place }: { chat: Chat; place: Place }) {
  const { t } = useLingui();
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const running = useRef(uploads);
  running.current = uploads;
  useEffect(() => () => {
    for (const { stop } of running.current) stop.abort();
  }, []);
  const change = (key: string, to: Partial<Upload>) => setUploads((all) => all.map((one) => (one.key === key ? { ...one, ...to } : one)));
  const end = (key: string) => setUploads((all) => all.filter((one) => one.key !== key));
  const send = async (file: File) => {
    const [key, stop] = [crypto.randomUUID(), new AbortController()];
    setUploads((all) => [...all, { key, file, share: 0, error: null, stop }]);
    try {
      await chat.share(await upload(file, place, (share) => change(key, { share }), stop.signal));
      end(key);
    } catch (error) {
      if (stop.signal.aborted) end(key);
      else change(key, { error });
    }
  };
  return (
    <>
      {uploads.length > 0 && (
        <ul className="uploads stack tight">
          {uploads.map(({ key, file, share, error, stop }) => (
            <li key={key} className="row">
              <span className="name">{file.name}</span>
              {error ? <span className="error" role="alert">{problem(error)}</span> : <progress max={1} value={share} aria-label={t`Sending ${file.name}`} />}
              <Button look="plain" onPress={() => (error ? end(key) : stop.abort())}>{error ? <Trans>Close</Trans> : <Trans>Stop</Trans>}</Button>
            </li>
          ))}
        </ul>
      )}
      <FileTrigger allowsMultiple onSelect={(chosen) => [...(chosen ?? [])].forEach((one) => void send(one))}>
        <Button look="second"><Trans>Attach</Trans></Button>
      </FileTrigger>
    </>
  );
}

const SHOWN = new Set(["image/jpeg", "image/png", "image/webp", "image/gif"]);

/** A file in a few words: shown where the browser can, else saved. */
export function FileCard({ id }: { id: string }) {
  const { t } = useLingui();
  const { data, error } = useQuery(fileQuery(id));
  const [open, setOpen] = useState(false);
  const link = useMutation({ mutationFn: () => answer(api.POST("/api/v1/files/{id}/links", { params: { path: { id } } })) });
  if (error) return <i><Trans>The file is not there any more</Trans></i>;
  if (!data) return <i><Trans>A file</Trans></i>;
  const { name, media_type, size_bytes } = data;
  const type = media_type ?? "";
  const kind = SHOWN.has(type) ? "picture" : type.startsWith("video/") ? "video" : type.startsWith("audio/") ? "audio" : "other";
  const save = async () => {
    const { url } = await link.mutateAsync(); // each is good for minutes only
    Object.assign(document.createElement("a"), { href: url, download: name }).click();
  };
  const show = async () => {
    await link.mutateAsync();
    setOpen(true);
  };
  const url = link.data?.url;
  return (
    <>
      <span className="file"><strong>{name}</strong> <small>{bytes(size_bytes)}</small></span>
      <span className="row">
        {kind !== "other" && <Button look="plain" aria-label={t`Show ${name}`} isPending={link.isPending} onPress={() => void show().catch(() => {})}><Trans>Show</Trans></Button>}
        <Button look="plain" aria-label={t`Save ${name}`} isPending={link.isPending} onPress={() => void save().catch(() => {})}><Trans>Save</Trans></Button>
      </span>
      <Trouble error={link.error} />
      <Dialog title={name} open={open && Boolean(url)} onClose={() => setOpen(false)}>
        {kind === "picture" && <img className="shown" src={url} alt={name} />}
        {kind === "video" && <video className="shown" src={url} controls aria-label={name} />}
        {kind === "audio" && <audio className="shown" src={url} controls aria-label={name} />}
        <div className="row">
          <Button onPress={() => setOpen(false)}><Trans>Close</Trans></Button>
          <Button look="second" onPress={() => void save().catch(() => {})}><Trans>Save</Trans></Button>
        </div>
      </Dialog>
    </>
  );
}
