// Writing to each other outside visits: all conversations, a new one, and one.

import { answer, type components } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, connection, useUser } from "../lib/api.ts";
import { appointments, doctors, thread as threadQuery, threads } from "../lib/queries.ts";
import { relative, useNow } from "../lib/time.ts";
import { role as roleName } from "../lib/words.ts";
import { Chat } from "../room/chat.ts";
import { Conversation } from "../room/conversation.tsx";
import { outbox } from "../room/outbox.ts";
import { usePatientName } from "../ui/appointment.tsx";
import { Form, useForm } from "../ui/form.tsx";
import { Badge, Button, Choices, Empty, Field, Loaded, Loading, Page, Trouble } from "../ui/parts.tsx";
import "../style/room.css";

type Thread = components["schemas"]["Thread"];

export function Threads() {
  const { t } = useLingui();
  const now = useNow();
  const own = useUser()?.id;
  const names = ({ participants }: Thread) => participants.filter(({ user_id }) => user_id !== own).map(({ name }) => name).join(", ");
  return (
    <Page title={t`Messages`} width="narrow">
      <Begin />
      <Loaded query={useQuery(threads())}>
        {({ items }) => items.length === 0 ? <Empty><p><Trans>Nothing has been written yet.</Trans></p></Empty> : (
          <ul className="stack">
            {(items as Thread[]).map((one) => (
              <li key={one.id}>
                <Link to={`/messages/${one.id}` as "/"} className="card">
                  <div className="between">
                    <strong>{one.subject}</strong>
                    <span className="row">
                      {Boolean(one.unread) && <Badge tone="warn">{one.unread}</Badge>}
                      {one.status === "closed" && <Badge><Trans>closed</Trans></Badge>}
                    </span>
                  </div>
                  <p>{names(one)}</p>
                  <p className="quiet">{relative(one.active_at, now)}</p>
                </Link>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Page>
  );
}

/** Patients write to their doctors, doctors to their patients, and all at the clinic to each other. */
function Begin() {
  const { t } = useLingui();
  const [open, setOpen] = useState(false);
  if (!open) return <div><Button onPress={() => setOpen(true)}><Trans>Write a message</Trans></Button></div>;
  return (
    <section className="card" aria-label={t`Write a message`}>
      <New onClose={() => setOpen(false)} />
    </section>
  );
}

function New({ onClose }: { onClose: () => void }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const navigate = useNavigate();
  const role = useUser()?.role;
  const visits = useQuery({ ...appointments(), enabled: role === "patient" || role === "doctor" });
  const colleagues = useQuery({ ...doctors({}), enabled: role !== undefined });
  const [to, setTo] = useState<string | null>(null);
  const mine = visits.data?.items ?? [];
  const own = useUser()?.doctor_id;
  const all = colleagues.data?.items ?? [];
  const treating = new Set(mine.map(({ doctor_id }) => doctor_id));
  const patients = role === "doctor" ? [...new Set(mine.map(({ patient_id }) => patient_id))] : [];
  const asked = all.filter(({ id }) => (role === "patient" ? treating.has(id) : id !== own));
  const write = useForm(async ({ subject = "" }) => {
    const [kind, id = ""] = (to ?? "").split("/");
    const body = kind === "patient" ? { kind: "care", patient_id: id, subject, participants: [] }
      : { kind: role === "patient" ? "care" : "clinicians", subject, participants: [{ doctor_id: id }] };
    const made = await answer(api.POST("/api/v1/threads", { body }));
    await client.invalidateQueries({ queryKey: ["threads"] });
    await navigate({ to: `/messages/${made.id}` as "/" });
  });
  if (visits.isLoading || colleagues.isLoading) return <Loading />;
  if (asked.length + patients.length === 0) return <p><Trans>You can write to your doctors after the first appointment.</Trans></p>;
  return (
    <Form {...write.form}>
      <Choices legend={t`To whom`} name="to" value={to} onChange={setTo} options={[
        ...patients.map((id) => ({ value: `patient/${id}`, words: <PatientName id={id} /> })),
        ...asked.map(({ id, display_name }) => ({ value: `doctor/${id}`, words: display_name })),
      ]} />
      <Field label={t`What is it about?`} name="subject" required maxLength={200} />
      <Trouble error={write.error} />
      <div className="row">
        <Button type="submit" isDisabled={to === null} isPending={write.isPending}><Trans>Begin</Trans></Button>
        <Button look="second" onPress={onClose}><Trans>Never mind</Trans></Button>
      </div>
    </Form>
  );
}

function PatientName({ id }: { id: string }) {
  return usePatientName(id);
}

export function ThreadPage() {
  const { t } = useLingui();
  const { id } = useParams({ strict: false }) as { id: string };
  const query = useQuery(threadQuery(id));
  return (
    <Page title={query.data?.subject ?? t`Messages`} width="narrow" before={<p><Link to={"/messages" as "/"}><Trans>All messages</Trans></Link></p>}>
      <Loaded query={query}>{(thread) => <Inside key={id} thread={thread} />}</Loaded>
    </Page>
  );
}

/** The chat of a thread, listened to for as long as it is shown. */
function useChat({ id, topic }: Thread): Chat | null {
  const client = useQueryClient();
  const [chat, setChat] = useState<Chat | null>(null);
  useEffect(() => {
    const made = new Chat(topic, outbox(id));
    setChat(made);
    const again = () => {
      void client.invalidateQueries({ queryKey: ["thread", id] });
      void client.invalidateQueries({ queryKey: ["threads"] });
    };
    const subscription = connection.subscribe(topic, {
      event: (event) => {
        made.hear(event);
        if (event.event.startsWith("participant_") || event.event.startsWith("thread_")) again();
      },
      signal: (signal) => made.notice(signal),
      gap: () => made.forget(),
    }, 0);
    return () => {
      subscription.close();
      again(); // what was read meanwhile
    };
  }, [id, topic, client]);
  return chat;
}

function Inside({ thread }: { thread: Thread }) {
  const client = useQueryClient();
  const chat = useChat(thread);
  const { id, participants, status } = thread;
  const clinician = useUser()?.role !== "patient";
  const closed = status === "closed";
  const turn = useMutation({
    mutationFn: () => answer(closed ? api.POST("/api/v1/threads/{id}/reopen", { params: { path: { id } } }) : api.POST("/api/v1/threads/{id}/close", { params: { path: { id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["thread", id] }),
  });
  const nameOf = (user: string) => participants.find(({ user_id }) => user_id === user)?.name ?? roleName("doctor");
  return (
    <>
      <p className="quiet">{participants.map(({ name, role }) => `${name} (${roleName(role)})`).join(", ")}</p>
      {chat && <Conversation chat={chat} place={{ purpose: "thread", id }} nameOf={nameOf} closed={closed} />}
      <Trouble error={turn.error} />
      {clinician && <div><Button look="second" isPending={turn.isPending} onPress={() => turn.mutate()}>{closed ? <Trans>Open it again</Trans> : <Trans>Close the conversation</Trans>}</Button></div>}
    </>
  );
}
