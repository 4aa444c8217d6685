// For administrators: who has an account, new staff, roles, and who is kept out.

import { answer, type components, versioned } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, useUser } from "../lib/api.ts";
import { date, ownZone } from "../lib/time.ts";
import { role as roleName } from "../lib/words.ts";
import { Form, useForm } from "../ui/form.tsx";
import { Badge, Button, Dialog, Empty, Field, Loaded, Page, Select, Trouble } from "../ui/parts.tsx";

type User = components["schemas"]["ManagedUser"];

interface Filter {
  email?: string | undefined;
  role?: string | undefined;
  /** `active` or `deactivated`. */
  access?: string | undefined;
}

const STAFF = ["nurse", "pharmacist", "support", "admin"];
const ROLES = ["patient", "doctor", ...STAFF];
const KEY = ["users"];

export function Users() {
  const { t } = useLingui();
  const filter = useSearch({ strict: false }) as Filter;
  const navigate = useNavigate();
  const set = (change: Filter) => {
    const search = Object.fromEntries(Object.entries({ ...filter, ...change }).filter(([, value]) => value));
    void navigate({ to: "/admin/users" as "/", search: search as never });
  };
  const query = useInfiniteQuery({
    queryKey: [...KEY, filter],
    queryFn: ({ pageParam }) => {
      const { email, role, access } = filter;
      const active = access && String(access === "active");
      const wanted = Object.entries({ email, role, active, cursor: pageParam, limit: 50 }).filter(([, value]) => value);
      return answer(api.GET("/api/v1/admin/users", { params: { query: Object.fromEntries(wanted) as never } }));
    },
    initialPageParam: "",
    getNextPageParam: ({ next_cursor }) => next_cursor,
  });
  const find = useForm(async ({ email = "" }) => set({ email: email.trim() }));
  return (
    <Page title={t`Accounts`}>
      <Invite />
      <search className="card">
        <Form {...find.form}>
          <div className="filters">
            <Field key={filter.email ?? ""} label={t`E-mail address`} name="email" type="email" initial={filter.email ?? ""} hint={t`The whole address`} autoComplete="off" />
            <Button type="submit" look="second"><Trans>Find</Trans></Button>
          </div>
        </Form>
        <div className="filters">
          <Select label={t`Role`} value={filter.role ?? ""} onChange={(role) => set({ role })} options={[["", t`All`], ...ROLES.map((code) => [code, roleName(code)] as const)]} />
          <Select label={t`Show`} value={filter.access ?? ""} onChange={(access) => set({ access })} options={[["", t`All`], ["active", t`Active`], ["deactivated", t`Deactivated`]]} />
        </div>
      </search>
      <Loaded query={query}>
        {({ pages }) => pages[0]?.items.length === 0 ? <Empty><p><Trans>Nobody fits.</Trans></p></Empty>
          : <ul className="stack" aria-label={t`Accounts`}>{pages.flatMap(({ items }) => items).map((one) => <li key={one.id}><Account user={one} /></li>)}</ul>}
      </Loaded>
      {query.hasNextPage && (
        <div><Button look="second" onPress={() => void query.fetchNextPage()} isPending={query.isFetchingNextPage}><Trans>Show more</Trans></Button></div>
      )}
    </Page>
  );
}

function Account({ user }: { user: User }) {
  const own = useUser()?.id === user.id;
  const since = user.deactivated_at ? date(user.deactivated_at) : "";
  return (
    <article className="card">
      <div className="between">
        <h2>{user.given_name} {user.family_name}</h2>
        <span className="row"><Badge>{roleName(user.role)}</Badge>{!user.active && <Badge tone="bad"><Trans>Deactivated on {since}</Trans></Badge>}</span>
      </div>
      <p className="quiet">{user.email}{!user.email_verified && <> · <Trans>not confirmed</Trans></>}</p>
      <div className="row">
        {!own && STAFF.includes(user.role) && <Role user={user} />}
        {!own && <Access user={user} />}
        <Link to={"/admin/audit" as "/"} search={{ user_id: user.id } as never} className="button plain"><Trans>What was done with it</Trans></Link>
      </div>
    </article>
  );
}

/** Gives a member of staff another role. */
function Role({ user }: { user: User }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const change = useForm(async ({ role = "" }) => {
    const params = { path: { id: user.id } };
    const { version } = await versioned(api.GET("/api/v1/admin/users/{id}", { params }));
    await answer(api.PATCH("/api/v1/admin/users/{id}", { params: { ...params, header: { "If-Match": version } }, body: { role } }));
    await client.invalidateQueries({ queryKey: KEY });
    setOpen(false);
  });
  return (
    <>
      <Button look="second" onPress={() => setOpen(true)}><Trans>Change role</Trans></Button>
      <Dialog title={t`Change role`} open={open} onClose={() => setOpen(false)}>
        <Form {...change.form}>
          <Select label={t`Role`} name="role" initial={user.role} options={STAFF.map((code) => [code, roleName(code)] as const)} />
          <p className="quiet"><Trans>They are signed out everywhere, and sign in again with the new role.</Trans></p>
          <Trouble error={change.error} />
          <div className="row">
            <Button type="submit" isPending={change.isPending}><Trans>Save</Trans></Button>
            <Button look="second" onPress={() => setOpen(false)}><Trans>Back</Trans></Button>
          </div>
        </Form>
      </Dialog>
    </>
  );
}

/** Keeps somebody out, once that was confirmed, or lets them in again. */
function Access({ user }: { user: User }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const change = useMutation({
    mutationFn: () => {
      const params = { params: { path: { id: user.id } } };
      return answer(user.active ? api.POST("/api/v1/admin/users/{id}/deactivate", params) : api.POST("/api/v1/admin/users/{id}/reactivate", params));
    },
    onSuccess: async () => {
      setOpen(false);
      await client.invalidateQueries({ queryKey: KEY });
    },
  });
  if (!user.active) {
    return <><Button look="second" onPress={() => change.mutate()} isPending={change.isPending}><Trans>Let in again</Trans></Button><Trouble error={change.error} /></>;
  }
  const name = `${user.given_name} ${user.family_name}`;
  return (
    <>
      <Button look="second" onPress={() => setOpen(true)}><Trans>Deactivate</Trans></Button>
      <Dialog title={t`Deactivate ${name}?`} open={open} onClose={() => setOpen(false)}>
        <p><Trans>They are signed out everywhere at once and cannot sign in. What they did stays.</Trans></p>
        {user.role === "doctor" && <p><Trans>Patients do not find this doctor any more. Appointments that were agreed stay until somebody cancels them.</Trans></p>}
        <Trouble error={change.error} />
        <div className="row">
          <Button look="danger" onPress={() => change.mutate()} isPending={change.isPending}><Trans>Deactivate</Trans></Button>
          <Button look="second" onPress={() => setOpen(false)}><Trans>Back</Trans></Button>
        </div>
      </Dialog>
    </>
  );
}

/** An account for a member of staff, who chooses the password. */
function Invite() {
  const { t, i18n } = useLingui();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const invite = useForm(async ({ email = "", role = "", given_name = "", family_name = "" }) => {
    const body = { email: email.trim(), role, given_name, family_name, time_zone: ownZone(), language: i18n.locale };
    await answer(api.POST("/api/v1/admin/users", { body }));
    await client.invalidateQueries({ queryKey: KEY });
    setOpen(false);
  });
  return (
    <>
      <div><Button onPress={() => setOpen(true)}><Trans>Invite staff</Trans></Button></div>
      <Dialog title={t`Invite staff`} open={open} onClose={() => setOpen(false)}>
        <Form {...invite.form}>
          <p className="quiet"><Trans>They get a mail with which they choose a password.</Trans></p>
          <Field label={t`E-mail address`} name="email" type="email" required autoComplete="off" />
          <Field label={t`First name`} name="given_name" required maxLength={100} autoComplete="off" />
          <Field label={t`Last name`} name="family_name" required maxLength={100} autoComplete="off" />
          <Select label={t`Role`} name="role" initial="nurse" options={STAFF.map((code) => [code, roleName(code)] as const)} />
          <Trouble error={invite.error} />
          <div className="row">
            <Button type="submit" isPending={invite.isPending}><Trans>Invite</Trans></Button>
            <Button look="second" onPress={() => setOpen(false)}><Trans>Back</Trans></Button>
          </div>
        </Form>
      </Dialog>
    </>
  );
}
