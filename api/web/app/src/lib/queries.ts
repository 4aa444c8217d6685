// What is asked of the server, each with the key under which it is kept. Pages share these.

import { answer, Problem } from "@consilium/client";
import { QueryClient, queryOptions } from "@tanstack/react-query";
import { api, session } from "./api.ts";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      gcTime: 86_400_000, // what was seen is kept for when there is no network
      retry: (tries, error) => tries < 2 && !(error instanceof Problem && !error.passes),
    },
    mutations: { retry: false },
  },
});

// What one account saw is nothing for the next one.
let owner: string | null = null;
session.listen(({ user }) => {
  if (owner !== null && owner !== (user?.id ?? null)) queries.clear();
  owner = user?.id ?? null;
});

export interface DoctorFilter {
  specialty?: string | undefined;
  language?: string | undefined;
  q?: string | undefined;
  available_on?: string | undefined;
}

export const doctors = (filter: DoctorFilter) =>
  queryOptions({
    queryKey: ["doctors", filter],
    queryFn: () => answer(api.GET("/api/v1/doctors", { params: { query: { ...given(filter), limit: 50 } } })),
  });

export const doctor = (id: string) =>
  queryOptions({
    queryKey: ["doctor", id],
    queryFn: () => answer(api.GET("/api/v1/doctors/{id}", { params: { path: { id } } })),
    staleTime: 300_000,
  });

/** Free times of `days` from `from` on. */
export const slots = (id: string, from: string, days: number) =>
  queryOptions({
    queryKey: ["slots", id, from, days],
    queryFn: () => {
      const to = new Date(new Date(from).getTime() + days * 86_400_000).toISOString();
      return answer(api.GET("/api/v1/doctors/{id}/slots", { params: { path: { id }, query: { from, to } } }));
    },
    staleTime: 5_000,
  });

export interface AppointmentFilter {
  status?: string;
  from?: string;
  to?: string;
  limit?: number;
}

export const appointments = (filter: AppointmentFilter = {}) =>
  queryOptions({
    queryKey: ["appointments", filter],
    queryFn: () => answer(api.GET("/api/v1/appointments", { params: { query: { limit: 100, ...given(filter) } } })),
  });

export const appointment = (id: string) =>
  queryOptions({
    queryKey: ["appointment", id],
    queryFn: () => answer(api.GET("/api/v1/appointments/{id}", { params: { path: { id } } })),
  });

/** A patient's profile; null for whoever may not see it (yet). */
export const patient = (id: string) =>
  queryOptions({
    queryKey: ["patient", id],
    queryFn: async () => {
      try {
        return await answer(api.GET("/api/v1/patients/{id}", { params: { path: { id } } }));
      } catch (error) {
        if (error instanceof Problem && (error.status === 404 || error.status === 403)) return null;
        throw error;
      }
    },
    staleTime: 300_000,
  });

export const consultation = (id: string) =>
  queryOptions({
    queryKey: ["consultation", id],
    queryFn: () => answer(api.GET("/api/v1/consultations/{id}", { params: { path: { id } } })),
  });

export const prescriptions = (consultationId: string) =>
  queryOptions({
    queryKey: ["prescriptions", consultationId],
    queryFn: () => answer(api.GET("/api/v1/consultations/{id}/prescriptions", { params: { path: { id: consultationId } } })),
  });

export const file = (id: string) =>
  queryOptions({
    queryKey: ["file", id],
    queryFn: () => answer(api.GET("/api/v1/files/{id}", { params: { path: { id } } })),
    staleTime: 300_000,
  });

/** A doctor's documents, for the doctor and administrators. */
export const credentials = (doctorId: string) =>
  queryOptions({
    queryKey: ["credentials", doctorId],
    queryFn: () => answer(api.GET("/api/v1/doctors/{id}/credentials", { params: { path: { id: doctorId } } })),
  });

/** Drawings on shared screens that were kept. */
export const annotations = (consultationId: string) =>
  queryOptions({
    queryKey: ["annotations", consultationId],
    queryFn: () => answer(api.GET("/api/v1/consultations/{id}/annotations", { params: { path: { id: consultationId } } })),
  });

/** What one was told, the newest first. */
export const notifications = () =>
  queryOptions({
    queryKey: ["notifications"],
    queryFn: () => answer(api.GET("/api/v1/me/notifications", { params: { query: { limit: 50 } } })),
  });

export const followUps = () => queryOptions({ queryKey: ["follow-ups"], queryFn: () => answer(api.GET("/api/v1/me/follow-ups")) });

/** Conversations outside visits, the most recently active first. */
export const threads = () =>
  queryOptions({
    queryKey: ["threads"],
    queryFn: () => answer(api.GET("/api/v1/threads", { params: { query: { limit: 50 } } })),
    staleTime: 0,
    refetchInterval: 30_000,
  });

export const thread = (id: string) =>
  queryOptions({
    queryKey: ["thread", id],
    queryFn: () => answer(api.GET("/api/v1/threads/{id}", { params: { path: { id } } })),
  });

export const waitingRoom = (id: string) =>
  queryOptions({
    queryKey: ["waiting-room", id],
    queryFn: () => answer(api.GET("/api/v1/doctors/{id}/waiting-room", { params: { path: { id } } })),
    refetchInterval: 60_000,
  });

export const me = () => queryOptions({ queryKey: ["me"], queryFn: () => answer(api.GET("/api/v1/me")) });

/** Without what is undefined or empty. */
function given<T extends object>(filter: T): T {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined && value !== "")) as T;
}
