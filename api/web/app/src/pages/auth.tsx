// Coming in: sign in, register, a forgotten password, the link of the mail that confirms an address.

import { answer } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, session } from "../lib/api.ts";
import { Form, useForm } from "../ui/form.tsx";
import { Button, Choices, Field, Notice, Page, Trouble } from "../ui/parts.tsx";

function useNext() {
  const navigate = useNavigate();
  const { next } = useSearch({ strict: false }) as { next?: string };
  return { next, search: next ? { next } : {}, go: () => navigate({ href: next ?? "/", replace: true }) };
}

export function SignIn() {
  const { t } = useLingui();
  const { search, go } = useNext();
  const form = useForm(async ({ email = "", password = "" }) => {
    await session.login(email.trim(), password);
    await go();
  });
  return (
    <Page title={t`Sign in`} width="narrow">
      <Form {...form.form}>
        <Trouble error={form.error} />
        <Field label={t`E-mail address`} name="email" type="email" autoComplete="username" required />
        <Field label={t`Password`} name="password" type="password" autoComplete="current-password" required />
        <Button type="submit" isPending={form.isPending}><Trans>Sign in</Trans></Button>
      </Form>
      <p><Link to="/forgot-password"><Trans>I forgot my password</Trans></Link></p>
      <p><Trans>New here?</Trans> <Link to="/register" search={search}><Trans>Create an account</Trans></Link></p>
    </Page>
  );
}

export function Register() {
  const { t } = useLingui();
  const { search, go } = useNext();
  const [role, setRole] = useState<"patient" | "doctor">("patient");
  const form = useForm(async ({ email = "", password = "", given_name = "", family_name = "" }) => {
    const time_zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const body = { email: email.trim(), password, role, given_name, family_name, time_zone, language: document.documentElement.lang };
    await answer(api.POST("/api/v1/auth/register", { body }));
    await session.login(email.trim(), password);
    await go();
  });
  return (
    <Page title={t`Create an account`} width="narrow">
      <Form {...form.form}>
        <Trouble error={form.error} />
        <Choices legend={t`I am`} name="role" value={role} onChange={setRole}
          options={[{ value: "patient", words: t`a patient` }, { value: "doctor", words: t`a doctor` }]} />
        <Field label={t`First name`} name="given_name" autoComplete="given-name" required />
        <Field label={t`Last name`} name="family_name" autoComplete="family-name" required />
        <Field label={t`E-mail address`} name="email" type="email" autoComplete="username" required />
        <Field label={t`Password`} name="password" type="password" autoComplete="new-password" required minLength={12} maxLength={128}
          hint={t`12 characters or more. Three words that do not belong together are good.`} />
        <Button type="submit" isPending={form.isPending}><Trans>Create account</Trans></Button>
      </Form>
      <p><Trans>You have an account?</Trans> <Link to="/sign-in" search={search}><Trans>Sign in</Trans></Link></p>
    </Page>
  );
}

export function ForgotPassword() {
  const { t } = useLingui();
  const [sent, setSent] = useState(false);
  const form = useForm(async ({ email = "" }) => {
    await answer(api.POST("/api/v1/auth/password-reset", { body: { email: email.trim() } }));
    setSent(true);
  });
  return (
    <Page title={t`I forgot my password`} width="narrow">
      {sent ? (
        <Notice tone="good" live>
          <p><Trans>If there is an account with this address, a mail with a code is on its way.</Trans></p>
          <p><Link to="/reset-password"><Trans>Enter the code</Trans></Link></p>
        </Notice>
      ) : (
        <Form {...form.form}>
          <Trouble error={form.error} />
          <Field label={t`E-mail address`} name="email" type="email" autoComplete="username" required />
          <Button type="submit" isPending={form.isPending}><Trans>Send me a code</Trans></Button>
        </Form>
      )}
    </Page>
  );
}

export function ResetPassword() {
  const { t } = useLingui();
  const { token = "" } = useSearch({ strict: false }) as { token?: string };
  const [done, setDone] = useState(false);
  const form = useForm(async ({ code = "", password = "" }) => {
    await answer(api.POST("/api/v1/auth/password-reset/confirm", { body: { token: code.trim(), password } }));
    setDone(true);
  });
  return (
    <Page title={t`Choose a new password`} width="narrow">
      {done ? (
        <Notice tone="good" live>
          <p><Trans>Your password is changed.</Trans></p>
          <p><Link to="/sign-in"><Trans>Sign in</Trans></Link></p>
        </Notice>
      ) : (
        <Form {...form.form}>
          <Trouble error={form.error} />
          <Field label={t`Code from the mail`} name="code" initial={token} required autoComplete="one-time-code" />
          <Field label={t`New password`} name="password" type="password" autoComplete="new-password" required minLength={12} maxLength={128}
            hint={t`12 characters or more. Three words that do not belong together are good.`} />
          <Button type="submit" isPending={form.isPending}><Trans>Change password</Trans></Button>
        </Form>
      )}
    </Page>
  );
}

/** Takes the code of the mail. One that has expired can be sent anew. */
export function VerifyEmail() {
  const { t } = useLingui();
  const { token = "" } = useSearch({ strict: false }) as { token?: string };
  const [done, setDone] = useState(false);
  const [sent, setSent] = useState(false);
  const verify = useForm(async ({ code = "" }) => {
    setSent(false);
    await answer(api.POST("/api/v1/auth/verify-email", { body: { token: code.trim() } }));
    if (session.user) await session.renew(); // the page knows from there that it is confirmed
    setDone(true);
  });
  const resend = useForm(async ({ email = "" }) => {
    await answer(api.POST("/api/v1/auth/verify-email/resend", { body: { email: email.trim() } }));
    setSent(true);
  });
  if (done) {
    return (
      <Page title={t`Confirm your e-mail address`} width="narrow">
        <Notice tone="good" live>
          <p><Trans>Thank you, your address is confirmed.</Trans></p>
          <p><Link to="/"><Trans>To the start</Trans></Link></p>
        </Notice>
      </Page>
    );
  }
  return (
    <Page title={t`Confirm your e-mail address`} width="narrow">
      <Form {...verify.form}>
        <Field label={t`Code from the mail`} name="code" initial={token} required autoComplete="one-time-code" />
        <Trouble error={verify.error} />
        <div><Button type="submit" isPending={verify.isPending}><Trans>Confirm</Trans></Button></div>
      </Form>
      <section className="card">
        <h2><Trans>No mail, or the code does not work?</Trans></h2>
        <p className="quiet"><Trans>Codes in mails work once, and for some time only.</Trans></p>
        {sent && <Notice tone="good" live><p><Trans>If there is an account with this address, a mail with a code is on its way.</Trans></p></Notice>}
        <Form {...resend.form}>
          <Field label={t`E-mail address`} name="email" type="email" autoComplete="username" required initial={session.user?.email ?? ""} />
          <Trouble error={resend.error} />
          <div><Button look="second" type="submit" isPending={resend.isPending}><Trans>Send me a new code</Trans></Button></div>
        </Form>
      </section>
    </Page>
  );
}
