// @consilium/client: typed HTTP calls, a login that renews itself, and a WebSocket that resumes.

export { type Api, answer, createApi, versioned } from "./http.js";
export { Problem, Unreachable, type WrongField } from "./problem.js";
export type { components, operations, paths } from "./schema.js";
export { type Keep, Session, type SessionOptions, type User } from "./session.js";
export {
  Connection,
  type ConnectionOptions,
  type ConnectionState,
  type StoredEvent,
  type Signal,
  type Subscription,
  type TopicListener,
} from "./socket.js";
