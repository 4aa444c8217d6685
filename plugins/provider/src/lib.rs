//! What plugins for providers with an HTTP API share. It knows no provider.
//!
//! | module | what |
//! |---|---|
//! | [`jwt`] | JSON Web Tokens signed with HS256 or RS256, and HS256 ones verified |
//! | [`http`] | requests, and what a provider's answer means as an error with a code |
//! | [`once`] | making something once, though several callers and processes want it at the same time |
//! | [`oauth`] | access tokens kept in the plugin's store until shortly before they expire |
//! | [`rooms`] | which room belongs to which consultation, until a month after its end |
//! | [`signed`] | webhooks: constant-time comparison and the replay window |

pub mod http;
pub mod jwt;
pub mod oauth;
pub mod once;
pub mod rooms;
pub mod signed;
