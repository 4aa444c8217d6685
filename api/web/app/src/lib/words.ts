// Codes of the API in words. A code without words is shown as it is, so that nothing new goes unseen.

import { Problem, Unreachable } from "@consilium/client";
import { i18n, type MessageDescriptor } from "@lingui/core";
import { msg, t } from "@lingui/core/macro";

type Words = Record<string, MessageDescriptor>;

const say = (words: Words, code: string) => {
  const found = words[code];
  return found ? i18n._(found) : code.replaceAll("_", " ");
};

const STATUS: Words = {
  pending: msg`Waiting for the doctor`,
  accepted: msg`Confirmed`,
  rejected: msg`Declined`,
  cancelled: msg`Cancelled`,
  completed: msg`Completed`,
  no_show: msg`Missed`,
};
export const status = (code: string) => say(STATUS, code);

const VISIT: Words = {
  video: msg`Video call`,
  audio: msg`Voice call`,
  chat: msg`Chat`,
  in_person: msg`At the clinic`,
};
export const visit = (code: string) => say(VISIT, code);

const SPECIALTY: Words = {
  general_medicine: msg`General medicine`,
  cardiology: msg`Cardiology`,
  dermatology: msg`Dermatology`,
  gynaecology: msg`Gynaecology`,
  neurology: msg`Neurology`,
  orthopaedics: msg`Orthopaedics`,
  paediatrics: msg`Paediatrics`,
  psychiatry: msg`Psychiatry`,
};
export const specialty = (code: string) => say(SPECIALTY, code);
export const SPECIALTIES = Object.keys(SPECIALTY);

const ROLE: Words = {
  patient: msg`Patient`,
  doctor: msg`Doctor`,
  nurse: msg`Nurse`,
  pharmacist: msg`Pharmacist`,
  support: msg`Support`,
  admin: msg`Administrator`,
  second_doctor: msg`Second doctor`,
  interpreter: msg`Interpreter`,
  system: msg`The system`,
  anonymous: msg`Not signed in`,
};
export const role = (code: string) => say(ROLE, code);

const DISPENSING: Words = {
  issued: msg`Issued`,
  queued: msg`On its way to the pharmacy`,
  sent: msg`Sent to the pharmacy`,
  accepted: msg`Accepted by the pharmacy`,
  preparing: msg`Being prepared`,
  ready: msg`Ready to be collected`,
  dispensed: msg`Dispensed`,
  rejected: msg`Refused by the pharmacy`,
  cancelled: msg`Cancelled`,
  failed: msg`Could not be sent`,
  withdrawn: msg`Withdrawn`,
};
export const dispensing = (code: string) => say(DISPENSING, code);

const RECORDING: Words = {
  requested: msg`Asked for`,
  recording: msg`Being recorded`,
  stopped: msg`Being prepared`,
  processing: msg`Being prepared`,
  ready: msg`Recorded`,
  failed: msg`Could not be kept`,
  refused: msg`Not agreed to`,
  deleted: msg`Deleted`,
};
export const recordingStatus = (code: string) => say(RECORDING, code);

const VERIFICATION: Words = {
  pending: msg`To be verified`,
  approved: msg`Approved`,
  rejected: msg`Rejected`,
};
export const verification = (code: string) => say(VERIFICATION, code);

const CREDENTIAL: Words = {
  licence: msg`Licence to practise`,
  diploma: msg`Diploma or certificate`,
  identity: msg`Identity document`,
};
export const credential = (code: string) => say(CREDENTIAL, code);
export const CREDENTIALS = Object.keys(CREDENTIAL);

const SOURCE: Words = {
  default: msg`As shipped`,
  file: msg`From the file`,
  environment: msg`From the environment`,
  secret_file: msg`From a secret file`,
};
export const settingSource = (code: string) => say(SOURCE, code);

const NOTIFICATION: Words = {
  appointment_booked: msg`An appointment was asked for`,
  appointment_accepted: msg`Your appointment is confirmed`,
  appointment_rejected: msg`The doctor cannot take this appointment`,
  appointment_cancelled: msg`An appointment was cancelled`,
  appointment_rescheduled: msg`An appointment was moved`,
  appointment_no_show: msg`An appointment was missed`,
  reminder_24h: msg`Your appointment is tomorrow`,
  reminder_1h: msg`Your appointment is soon`,
  email_verification: msg`Please confirm your e-mail address`,
  password_reset: msg`A new password was asked for`,
  password_changed: msg`Your password was changed`,
  security_alert: msg`Somebody may have used your login. Please change your password.`,
  doctor_approved: msg`You are verified and can be booked`,
  doctor_rejected: msg`Your verification was refused`,
  consultation_ended: msg`Your consultation is over`,
  prescription_issued: msg`You have a prescription`,
  prescription_status_changed: msg`News of your prescription`,
  follow_up_held: msg`A time is kept for you: please confirm it`,
  follow_up_expired: msg`The time that was kept was not confirmed`,
  follow_up_declined: msg`The patient does not want the time that was kept`,
  follow_up_unplaced: msg`No free time was found for the next visit`,
  messages_waiting: msg`Somebody has written to you`,
};
export const notification = (code: string) => say(NOTIFICATION, code);

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
/** A size, to two digits. */
export function bytes(size: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  const format = new Intl.NumberFormat(i18n.locale, { style: "unit", unit: UNITS[power] as string, maximumSignificantDigits: 2 });
  return format.format(size / 1000 ** power);
}

/** The language's name in the reader's own. */
export function languageName(tag: string): string {
  return new Intl.DisplayNames(i18n.locale, { type: "language" }).of(tag) ?? tag;
}

export function money({ amount_minor, currency }: { amount_minor: number; currency: string }): string {
  return new Intl.NumberFormat(i18n.locale, { style: "currency", currency }).format(amount_minor / 10 ** minorDigits(currency));
}

/** How many digits of an amount in minor units stand behind the point. */
export function minorDigits(currency: string): number {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

/** The currency's name in the reader's language. */
export function currencyName(currency: string): string {
  return new Intl.DisplayNames(i18n.locale, { type: "currency" }).of(currency) ?? currency;
}

const PROBLEM: Words = {
  account_deactivated: msg`Your account was deactivated. Please ask your clinic.`,
  active_content: msg`Files of this kind are not accepted.`,
  already_verified: msg`You are verified: your documents stay as they were looked at.`,
  already_rated: msg`You have rated this consultation already.`,
  already_waiting: msg`You are waiting already.`,
  chat_closed: msg`The chat of this consultation is closed.`,
  credential_too_large: msg`This document is too large: 20 megabytes at most.`,
  credentials_missing: msg`No document was submitted, and here one is needed.`,
  email_not_verified: msg`Please confirm your e-mail address first. We have sent you a code.`,
  email_taken: msg`There is an account with this e-mail address already. Sign in instead.`,
  file_infected: msg`A virus was found in this file. It has been removed.`,
  file_quota: msg`You have sent too much for today.`,
  file_too_large: msg`This file is too large.`,
  hold_expired: msg`This time is no longer kept for you. Please choose another one.`,
  invalid_credentials: msg`E-mail address or password is wrong.`,
  last_administrator: msg`The clinic must keep an administrator who can sign in.`,
  own_account: msg`Somebody else has to do this to your own account.`,
  role_has_profile: msg`Patients and doctors keep their role.`,
  invalid_transition: msg`This has changed meanwhile. The page shows it as it is now.`,
  not_a_slot: msg`This time is not offered any more. Please choose another one.`,
  not_found: msg`This does not exist, or not for you.`,
  patient_busy: msg`You have another appointment at that time.`,
  rate_limited: msg`Too many tries. Please wait a minute.`,
  slot_taken: msg`Somebody else has just booked this time. Please choose another one.`,
  stale: msg`Somebody else has changed this meanwhile. The page shows it as it is now.`,
  message_deleted: msg`This message was deleted meanwhile.`,
  too_late_to_edit: msg`This message was sent too long ago to be changed.`,
  token_expired: msg`This code is too old. Have a new one sent.`,
  token_invalid: msg`This code is not right, or was used before.`,
  thread_closed: msg`This conversation is closed.`,
  too_many_credentials: msg`You have submitted as many documents as are looked at. Take some back first.`,
  too_early: msg`It is too early to come in.`,
  too_soon: msg`This time is too close. Please choose a later one.`,
  unsupported_file_type: msg`Files of this kind are not accepted.`,
  unsupported_credential_type: msg`Documents must be PDF, JPEG or PNG.`,
  verification_not_rejected: msg`This has changed meanwhile. The page shows it as it is now.`,
  waiting_room_full: msg`The waiting room is full. Please try again later, or book a time.`,
  walk_ins_closed: msg`This doctor sees nobody without an appointment just now. Please book a time.`,
  files_unavailable: msg`Files cannot be reached just now. Please try again shortly.`,
  video_unavailable: msg`Video does not work just now. You can write in the chat, and we keep trying.`,
};

const FIELD: Words = {
  required: msg`Please fill this in.`,
  weak_password: msg`This password is too easy to guess. Please choose another one.`,
  too_short: msg`This is too short.`,
  too_many: msg`This is too much.`,
  out_of_range: msg`This is too little or too much.`,
  in_the_past: msg`This is in the past.`,
};
/** What is wrong with a field. */
export const field = (code: string, detail: string) => (code in FIELD ? say(FIELD, code) : detail);

/** What went wrong, for people. */
export function problem(error: unknown): string {
  if (error instanceof Problem) return error.code in PROBLEM ? say(PROBLEM, error.code) : error.message;
  if (error instanceof Unreachable) return t`We cannot reach the server. Check your connection; what you entered is kept.`;
  return t`Something went wrong. Please try again.`;
}
