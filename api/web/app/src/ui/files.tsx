// Files: on their way to the server, and as they are shown.

import { answer, type Problem } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { FileTrigger } from "react-aria-components";
import { api } from "../lib/api.ts";
import { file as fileQuery } from "../lib/queries.ts";
import type { StoredFile } from "../lib/types.ts";
import { type Place, upload } from "../lib/upload.ts";
import { bytes, problem } from "../lib/words.ts";
import { Button, Dialog, Trouble } from "./parts.tsx";

interface Upload {
  key: string;
  file: File;
  share: number;
  /** Whether it is being checked for long. */
  slow: boolean;
  error: unknown;
  stop: AbortController;
}

interface AttachProps {
  place: Place;
  /** What is done with a file that is there, by its id. */
  onSent: (id: string) => unknown;
  /** What is wrong with a file that was chosen, if it can be told before it is sent. */
  refuse?: (file: File) => Problem | null;
  types?: readonly string[];
  children: ReactNode;
}

const LONG = 15_000; // for a check, in milliseconds

/** Files that one sends, with how far they are. */
export function Attach({ place, onSent, refuse, types, children }: AttachProps) {
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
    const [key, stop, error] = [crypto.randomUUID(), new AbortController(), refuse?.(file) ?? null];
    setUploads((all) => [...all, { key, file, share: 0, slow: false, error, stop }]);
    if (error) return;
    let waiting: ReturnType<typeof setTimeout> | undefined;
    const told = (share: number) => {
      change(key, { share });
      if (share === 1) waiting = setTimeout(() => change(key, { slow: true }), LONG);
    };
    try {
      await onSent(await upload(file, place, told, stop.signal));
      end(key);
    } catch (error) {
      if (stop.signal.aborted) end(key);
      else change(key, { error });
    } finally {
      clearTimeout(waiting);
    }
  };
  return (
    <>
      {uploads.length > 0 && (
        <ul className="uploads stack tight">
          {uploads.map(({ key, file, share, slow, error, stop }) => (
            <li key={key} className="row">
              <span className="name">{file.name}</span>
              {error ? <span className="error" role="alert">{problem(error)}</span> : <progress max={1} value={share} aria-label={t`Sending ${file.name}`} />}
              {!error && share === 1 && <span className="quiet" role="status">{slow ? t`The check takes longer than usual: the scanner is not available just now. It goes on by itself.` : t`Being checked`}</span>}
              <Button look="plain" onPress={() => (error ? end(key) : stop.abort())}>{error ? <Trans>Close</Trans> : <Trans>Stop</Trans>}</Button>
            </li>
          ))}
        </ul>
      )}
      <FileTrigger allowsMultiple {...(types && { acceptedFileTypes: types })} onSelect={(chosen) => [...(chosen ?? [])].forEach((one) => void send(one))}>
        <Button look="second">{children}</Button>
      </FileTrigger>
    </>
  );
}

const SHOWN = new Set(["image/jpeg", "image/png", "image/webp", "image/gif"]);

/** A file by its id. */
export function FileCard({ id }: { id: string }) {
  const { data, error } = useQuery(fileQuery(id));
  if (error) return <i><Trans>The file is not there any more</Trans></i>;
  if (!data) return <i><Trans>A file</Trans></i>;
  return <FileView file={data} />;
}

/** A file in a few words: shown where the browser can, else saved. */
export function FileView({ file: { id, name, media_type, size_bytes } }: { file: StoredFile }) {
  const { t } = useLingui();
  const [open, setOpen] = useState(false);
  const link = useMutation({ mutationFn: () => answer(api.POST("/api/v1/files/{id}/links", { params: { path: { id } } })) });
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
