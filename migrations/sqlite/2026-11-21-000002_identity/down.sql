DROP TABLE account_token;
DROP TABLE refresh_token;
DROP TABLE login_session;
DROP TABLE login_failure;
DROP TABLE membership;
DROP TABLE account;
