// What pages are made of: buttons, fields, notices, states. Knows nothing of appointments or doctors.

import { Trans } from "@lingui/react/macro";
import { type ComponentProps, type ReactNode, use, useEffect } from "react";
import {
  Button as AriaButton, Dialog as AriaDialog, Heading, Input, Label, Modal, ModalOverlay, Text, TextArea, TextField,
} from "react-aria-components";
import { problem } from "../lib/words.ts";
import { Wrong } from "./form.tsx";

type Look = "first" | "second" | "danger" | "plain";
interface ButtonProps extends Omit<ComponentProps<typeof AriaButton>, "className" | "isPending"> {
  look?: Look;
  pressed?: boolean;
  /** What it does is being done: it keeps the focus, and does nothing more. */
  isPending?: boolean;
}

export function Button({ look = "first", pressed, isPending = false, onPress, type, ...rest }: ButtonProps) {
  const state = {
    ...(pressed === undefined ? {} : { "aria-pressed": pressed }),
    ...(isPending ? { "aria-disabled": true, "data-pending": true, type: "button" as const } : { ...(type && { type }), ...(onPress && { onPress }) }),
  };
  return <AriaButton {...rest} {...state} className={`button ${look}`} />;
}

interface PageProps {
  title: string;
  lead?: ReactNode;
  width?: "narrow" | "wide";
  /** Above the title. */
  before?: ReactNode;
  children?: ReactNode;
}

/** A page's content under its one heading, which is also the document's title. */
export function Page({ title, lead, width, before, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} – Consilium`;
  }, [title]);
  return (
    <main id="content" tabIndex={-1} className={`page ${width ?? ""}`}>
      {before}
      <header>
        <h1>{title}</h1>
        {lead && <p className="lead">{lead}</p>}
      </header>
      {children}
    </main>
  );
}

interface FieldProps {
  label: ReactNode;
  name: string;
  hint?: ReactNode;
  type?: string;
  value?: string;
  initial?: string | undefined;
  required?: boolean;
  minLength?: number;
  maxLength?: number;
  rows?: number;
  autoComplete?: string;
  inputMode?: "numeric" | "decimal" | "tel" | "email";
  onChange?: (value: string) => void;
}

/** A text field with its label, its hint, and what is wrong with it. */
export function Field({ label, hint, rows, initial, required = false, minLength, maxLength, type, autoComplete, inputMode, ...rest }: FieldProps) {
  const wrong = use(Wrong)[rest.name];
  const value = initial === undefined ? {} : { defaultValue: initial };
  const limits = given({ required, minLength, maxLength });
  return (
    <TextField className="field" isInvalid={Boolean(wrong)} isRequired={required} validationBehavior="aria" {...value} {...rest}>
      <Label>{label}</Label>
      {hint && <Text slot="description" className="hint">{hint}</Text>}
      {rows ? <TextArea className="input" rows={rows} {...limits} /> : <Input className="input" {...limits} {...given({ type, autoComplete, inputMode })} />}
      {wrong && <Text slot="errorMessage" className="error">{wrong}</Text>}
    </TextField>
  );
}

/** Without what is undefined. */
function given<T extends object>(props: T): T {
  return Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined)) as T;
}

interface SelectProps {
  label: ReactNode;
  name?: string;
  value?: string;
  initial?: string;
  hidden?: boolean;
  options: readonly (readonly [value: string, words: string])[];
  onChange?: (value: string) => void;
}

/** The browser's own list: the best one on a phone. */
export function Select({ label, name, value, initial, hidden, options, onChange }: SelectProps) {
  return (
    <label className="field">
      <span className={hidden ? "sr-only" : "label"}>{label}</span>
      <select className="input" name={name} value={value} defaultValue={initial} onChange={(event) => onChange?.(event.target.value)}>
        {options.map(([code, words]) => <option key={code} value={code}>{words}</option>)}
      </select>
    </label>
  );
}

interface ChoicesProps<T extends string> {
  legend: ReactNode;
  name: string;
  value: T | null;
  options: readonly { value: T; words: ReactNode; disabled?: boolean }[];
  onChange: (value: T) => void;
  className?: string;
}

/** Radio buttons that look like tiles. */
export function Choices<T extends string>({ legend, name, value, options, onChange, className = "choices" }: ChoicesProps<T>) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      <div className={className}>
        {options.map((one) => (
          <label key={one.value} className="choice">
            <input type="radio" name={name} value={one.value} checked={value === one.value} disabled={one.disabled ?? false}
              onChange={() => onChange(one.value)} />
            {one.words}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export type Tone = "good" | "warn" | "bad" | "";

export function Notice({ tone = "", children, live }: { tone?: Tone; children: ReactNode; live?: boolean }) {
  return <div className={`notice ${tone}`} role={tone === "bad" ? "alert" : live ? "status" : undefined}>{children}</div>;
}

export function Badge({ tone = "", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}

/** What went wrong, with a way to try again when there is one. */
export function Trouble({ error, retry }: { error: unknown; retry?: () => void }) {
  if (!error) return null;
  return (
    <Notice tone="bad">
      <p>{problem(error)}</p>
      {retry && <div><Button look="second" onPress={retry}><Trans>Try again</Trans></Button></div>}
    </Notice>
  );
}

export function Loading() {
  return <p className="loading" role="status"><Trans>Loading …</Trans></p>;
}

export function Empty({ children }: { children: ReactNode }) {
  return <div className="empty">{children}</div>;
}

interface Asked<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** What was asked for, or how it stands with it. What is there stays while it is asked for again. */
export function Loaded<T>({ query, children }: { query: Asked<T>; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Trouble error={query.error} retry={() => void query.refetch()} />;
  return <Loading />;
}

/** What may be wider than the page, and is scrolled by itself, also with the keyboard. */
export function Wide({ label, children }: { label: string; children: ReactNode }) {
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
  return <section className="table" tabIndex={0} aria-label={label}>{children}</section>;
}

interface DialogProps {
  title: string;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
}

export function Dialog({ title, open, onClose, children }: DialogProps) {
  return (
    <ModalOverlay className="overlay" isOpen={open} onOpenChange={(now) => now || onClose()} isDismissable>
      <Modal>
        <AriaDialog className="dialog">
          <Heading slot="title" level={2}>{title}</Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** Two letters that stand for somebody without a picture. */
export function Face({ name }: { name: string }) {
  const words = name.replace(/^(Dr|Prof)\.?\s+/i, "").split(/\s+/).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "");
  return <span className="face" aria-hidden="true">{letters.join("").toLocaleUpperCase()}</span>;
}
