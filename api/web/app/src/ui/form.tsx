// Forms: their values, what is wrong with which field, and that they are being sent. Fields find their own error by name.

import { Problem } from "@consilium/client";
import { useMutation } from "@tanstack/react-query";
import { createContext, type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { field } from "../lib/words.ts";

export type Values = Record<string, string>;

/** What is wrong, by the name of the field. */
export const Wrong = createContext<Values>({});

interface Sending {
  form: { send: (event: FormEvent<HTMLFormElement>) => void; wrong: Values };
  isPending: boolean;
  /** What is wrong, unless it is about fields of the form. */
  error: unknown;
}

/** `send` gets the values of the fields by name. What was entered stays when it is refused. */
export function useForm(send: (values: Values) => Promise<unknown>): Sending {
  const { mutate, reset, isPending, error } = useMutation({ mutationFn: send });
  const [unfit, setUnfit] = useState<Values>({});
  const refused = error instanceof Problem && error.status === 422 ? error.errors : [];
  const named = refused.map(({ pointer, code, detail }) => [pointer.split("/").pop() ?? "", field(code, detail)] as const);
  return {
    form: {
      send: (event) => {
        event.preventDefault();
        const found = unfitting(event.currentTarget);
        setUnfit(found);
        if (Object.keys(found).length > 0) return reset();
        const values = [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)] as const);
        mutate(Object.fromEntries(values));
      },
      wrong: Object.keys(unfit).length > 0 ? unfit : Object.fromEntries(named),
    },
    isPending,
    error: named.length > 0 ? null : error,
  };
}

/** What the browser finds wrong with what was entered, in its words. */
function unfitting(form: HTMLFormElement): Values {
  const fields = [...form.elements].filter((one) => one instanceof HTMLInputElement || one instanceof HTMLTextAreaElement);
  return Object.fromEntries(fields.filter((one) => one.name && !one.validity.valid).map((one) => [
    one.name, one.validity.valueMissing ? field("required", one.validationMessage) : one.validationMessage,
  ]));
}

export function Form({ send, wrong, children }: Sending["form"] & { children: ReactNode }) {
  const form = useRef<HTMLFormElement>(null);
  const names = Object.keys(wrong).join();
  // Whoever hears the page is led to what is wrong.
  useEffect(() => {
    if (names) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [names]);
  return (
    <form ref={form} className="stack" noValidate onSubmit={send}>
      <Wrong value={wrong}>{children}</Wrong>
    </form>
  );
}
