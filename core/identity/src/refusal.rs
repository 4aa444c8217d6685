//! Why identity says no.

use consilium_kernel::{FieldError, Refusal};

consilium_kernel::refusals! {
    /// Why somebody is not let in.
    pub enum IdentityRefusal {
        InvalidCredentials: Unauthenticated, "invalid_credentials", "The e-mail address or the password is wrong.";
        TokenExpired: Unauthenticated, "token_expired", "The token has expired.";
        TokenInvalid: Unauthenticated, "token_invalid", "The token is not valid.";
        SessionEnded: Unauthenticated, "session_ended", "This login session has ended. Please log in again.";
        EmailNotVerified: Forbidden, "email_not_verified", "Please confirm your e-mail address first.";
        EmailTaken: Conflict, "email_taken", "There is an account with this e-mail address already.";
        TooManyAttempts: TooMany, "too_many_attempts", "Too many attempts. Please wait before you try again.";
        AccountDeactivated: Forbidden, "account_deactivated",
            "This account was deactivated. Please ask your administrator.";
        OwnAccount: Conflict, "own_account", "Somebody else has to do this to your own account.";
        LastAdministrator: Conflict, "last_administrator", "The facility must keep an administrator who can log in.";
        RoleHasProfile: Conflict, "role_has_profile",
            "Patients and doctors have profiles and keep their role; only the role of staff can be changed.";
        Stale: Stale, "stale", "Somebody else changed this since you loaded it. Please load it again.";
        MailTokenInvalid: Invalid, "token_invalid", "This code is not valid, or was used before.";
        MailTokenExpired: Invalid, "token_expired", "This code has expired. Please ask for another one.";
    }
}

impl IdentityRefusal {
    /// Says for how long to wait.
    pub(crate) fn after(self, seconds: i64) -> Refusal {
        Refusal { retry_after: Some(u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)), ..self.refusal() }
    }

    /// Points to the field of the request that holds the token.
    pub(crate) fn at_token(self) -> Refusal {
        let refusal = self.refusal();
        let error = FieldError {
            pointer: "/token".to_owned(),
            code: refusal.code.clone(),
            detail: refusal.detail.clone().into_owned(),
        };
        Refusal { errors: vec![error], ..refusal }
    }
}
