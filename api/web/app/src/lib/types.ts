// Short names for what the API answers.

import type { components } from "@consilium/client";

type Schemas = components["schemas"];
export type Appointment = Schemas["Appointment"];
export type Consultation = Schemas["Consultation"];
export type Credential = Schemas["Credential"];
export type Doctor = Schemas["Doctor"];
export type Join = Schemas["JoinResponse"];
export type Medicine = Schemas["Medicine"];
export type Message = Schemas["Message"];
export type Patient = Schemas["Patient"];
export type Prescription = Schemas["Prescription"];
export type StoredFile = Schemas["File"];
export type Slot = Schemas["Slot"];
export type User = Schemas["User"];
export type Video = Schemas["Video"];
export type VisitType = Schemas["VisitType"];
