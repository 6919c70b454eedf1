-- system/0002_sign_in_elsewhere
-- Sign-ins with other providers that have come back: each of them works once.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create table cms.used_state (
  -- SHA-256 of the state, 256 random bits.
  hash bytea not null,
  -- After this time the state is refused for its age.
  expires_at timestamptz not null,
  constraint used_state_pkey primary key (hash)
);
create index used_state_expires_idx on cms.used_state (expires_at);

commit;
