// Every page with its address. The server answers these addresses with the app: api/src/http/web/mod.rs has the list.

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { session } from "./lib/api.ts";
import { Frame, NotFound, PageTrouble } from "./pages/frame.tsx";

const root = createRootRoute({ component: Frame, notFoundComponent: NotFound, errorComponent: PageTrouble });

/** Whoever is not logged in signs in first, and comes back. */
function signedIn({ location }: { location: { href: string } }): void {
  if (!session.user) throw redirect({ to: "/sign-in", search: { next: location.href } });
}

const next = (search: Record<string, unknown>): { next?: string } =>
  typeof search.next === "string" && /^\/(?!\/)/.test(search.next) ? { next: search.next } : {};
const token = (search: Record<string, unknown>): { token?: string } =>
  typeof search.token === "string" ? { token: search.token } : {};
const day = (value: unknown) => (typeof value === "string" && !Number.isNaN(Date.parse(`${value}T00:00Z`)) ? value : undefined);
const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

const at = { getParentRoute: () => root } as const;
const page = <T extends Record<string, unknown>>(load: () => Promise<T>, name: keyof T & string) =>
  lazyRouteComponent(load as () => Promise<Record<string, never>>, name);

const auth = () => import("./pages/auth.tsx");
const doctorPages = () => import("./pages/doctors.tsx");
const staff = () => import("./pages/staff.tsx");
const admin = () => import("./pages/admin.tsx");
const auditPages = () => import("./pages/audit.tsx");
const doctorDay = () => import("./pages/doctor.tsx");
const threadPages = () => import("./pages/threads.tsx");
const appointmentPages = () => import("./pages/appointments.tsx");

const routes = [
  createRoute({ ...at, path: "/", component: page(() => import("./pages/start.tsx"), "Start") }),
  createRoute({ ...at, path: "/sign-in", validateSearch: next, component: page(auth, "SignIn") }),
  createRoute({ ...at, path: "/register", validateSearch: next, component: page(auth, "Register") }),
  createRoute({ ...at, path: "/forgot-password", component: page(auth, "ForgotPassword") }),
  createRoute({ ...at, path: "/reset-password", validateSearch: token, component: page(auth, "ResetPassword") }),
  createRoute({ ...at, path: "/verify-email", validateSearch: token, component: page(auth, "VerifyEmail") }),
  createRoute({
    ...at,
    path: "/doctors",
    validateSearch: (search: Record<string, unknown>) => ({
      q: text(search.q), specialty: text(search.specialty), language: text(search.language), available_on: text(search.available_on),
    }),
    component: page(doctorPages, "Doctors"),
  }),
  createRoute({
    ...at,
    path: "/doctors/$id",
    validateSearch: (search: Record<string, unknown>): { move?: string } => (text(search.move) ? { move: text(search.move) as string } : {}),
    component: page(() => import("./pages/booking.tsx"), "Booking"),
  }),
  createRoute({ ...at, path: "/appointments", beforeLoad: signedIn, component: page(appointmentPages, "Appointments") }),
  createRoute({ ...at, path: "/consultations/$id", beforeLoad: signedIn, component: page(() => import("./pages/consultation.tsx"), "ConsultationPage") }),
  createRoute({ ...at, path: "/requests", beforeLoad: signedIn, component: page(doctorDay, "Requests") }),
  createRoute({ ...at, path: "/calendar", beforeLoad: signedIn, component: page(doctorDay, "Calendar") }),
  createRoute({ ...at, path: "/waiting-room", beforeLoad: signedIn, component: page(staff, "WaitingRooms") }),
  createRoute({ ...at, path: "/availability", beforeLoad: signedIn, component: page(() => import("./pages/availability.tsx"), "Availability") }),
  createRoute({ ...at, path: "/figures", beforeLoad: signedIn, component: page(() => import("./pages/figures.tsx"), "Figures") }),
  createRoute({ ...at, path: "/profile", beforeLoad: signedIn, component: page(() => import("./pages/profile.tsx"), "Profile") }),
  createRoute({ ...at, path: "/verification", beforeLoad: signedIn, component: page(() => import("./pages/verification.tsx"), "Verification") }),
  createRoute({ ...at, path: "/inbox", beforeLoad: signedIn, component: page(() => import("./pages/inbox.tsx"), "Inbox") }),
  createRoute({ ...at, path: "/messages", beforeLoad: signedIn, component: page(threadPages, "Threads") }),
  createRoute({ ...at, path: "/messages/$id", beforeLoad: signedIn, component: page(threadPages, "ThreadPage") }),
  createRoute({ ...at, path: "/dispense", beforeLoad: signedIn, component: page(staff, "Dispense") }),
  createRoute({ ...at, path: "/issues", beforeLoad: signedIn, component: page(staff, "Issues") }),
  createRoute({ ...at, path: "/issues/$id", beforeLoad: signedIn, component: page(staff, "IssuePage") }),
  createRoute({ ...at, path: "/admin/doctors", beforeLoad: signedIn, component: page(admin, "VerifyDoctors") }),
  createRoute({ ...at, path: "/admin/system", beforeLoad: signedIn, component: page(admin, "System") }),
  createRoute({
    ...at,
    path: "/admin/audit",
    beforeLoad: signedIn,
    validateSearch: (search: Record<string, unknown>) => ({
      user_id: text(search.user_id), patient_id: text(search.patient_id), entity_id: text(search.entity_id),
      entity_kind: text(search.entity_kind), action: text(search.action), from: day(search.from), to: day(search.to),
    }),
    component: page(auditPages, "Audit"),
  }),
  createRoute({
    ...at,
    path: "/admin/users",
    beforeLoad: signedIn,
    validateSearch: (search: Record<string, unknown>) => ({ email: text(search.email), role: text(search.role), access: text(search.access) }),
    component: page(() => import("./pages/users.tsx"), "Users"),
  }),
  createRoute({ ...at, path: "/admin/settings", beforeLoad: signedIn, component: page(() => import("./pages/settings.tsx"), "Settings") }),
  createRoute({ ...at, path: "/admin/deliveries", beforeLoad: signedIn, component: page(admin, "Deliveries") }),
  createRoute({ ...at, path: "/appointments/$id", beforeLoad: signedIn, component: page(appointmentPages, "AppointmentPage") }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren(routes as unknown as never[]),
  defaultPreload: "intent",
  scrollRestoration: true,
});
