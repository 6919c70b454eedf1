-- system/0001_identity
-- Users, sessions, tokens, signing keys and the audit log: tables of the server itself, the same for every site.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create table cms.user (
  id uuid not null,
  -- In lower case and normal form; what people type is brought to it before it is compared.
  email text not null,
  name text not null,
  role text not null,
  -- An argon2id hash in PHC form; null until an invitation is accepted, and for who signs in elsewhere only.
  password text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  disabled_at timestamptz,
  constraint user_pkey primary key (id),
  constraint user_email_key unique (email)
);

-- Accounts of other providers (OpenID Connect): the pair is what names a person, never the email.
create table cms.identity (
  issuer text not null,
  subject text not null,
  user_id uuid not null,
  email text,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  constraint identity_pkey primary key (issuer, subject),
  constraint identity_user_fkey foreign key (user_id) references cms.user (id) on delete cascade
);
create index identity_user_idx on cms.identity (user_id);

-- A session is a family of refresh tokens.
create table cms.session (
  id uuid not null,
  user_id uuid not null,
  address inet,
  agent text,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  -- signed_out, reused, password, disabled, ended
  revoked_for text,
  constraint session_pkey primary key (id),
  constraint session_user_fkey foreign key (user_id) references cms.user (id) on delete cascade
);
create index session_user_idx on cms.session (user_id, created_at);
-- What is over is found by an index, since the server deletes it after a while. The earlier of the two: `least` leaves null out.
create index session_over_idx on cms.session (least(expires_at, revoked_at));

create table cms.refresh_token (
  -- SHA-256 of a token of 256 random bits.
  hash bytea not null,
  session_id uuid not null,
  -- The successor is an HMAC of this under the token itself, so it can be given again without being kept.
  nonce bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint refresh_token_pkey primary key (hash),
  constraint refresh_token_session_fkey foreign key (session_id) references cms.session (id) on delete cascade
);
create index refresh_token_session_idx on cms.refresh_token (session_id);
create index refresh_token_expires_idx on cms.refresh_token (expires_at);

-- Links that are sent by mail and work once.
create table cms.one_time_link (
  hash bytea not null,
  purpose text not null,
  user_id uuid not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint one_time_link_pkey primary key (hash),
  constraint one_time_link_purpose_check check (purpose in ('invitation', 'reset')),
  constraint one_time_link_user_fkey foreign key (user_id) references cms.user (id) on delete cascade
);
create index one_time_link_user_idx on cms.one_time_link (user_id, purpose);
create index one_time_link_expires_idx on cms.one_time_link (expires_at);

-- Sign-ins with other providers that have come back: each of them works once.
create table cms.used_state (
  -- SHA-256 of the state, 256 random bits.
  hash bytea not null,
  -- After this time the state is refused for its age.
  expires_at timestamptz not null,
  constraint used_state_pkey primary key (hash)
);
create index used_state_expires_idx on cms.used_state (expires_at);

-- Sign-ins with other providers that wait for a code of the second factor: each ends with the right code, or with a few wrong ones.
create table cms.waiting_for_code (
  -- SHA-256 of what the browser has been given, 256 random bits.
  hash bytea not null,
  -- Codes that have been given, right or wrong.
  tries integer not null default 0,
  expires_at timestamptz not null,
  constraint waiting_for_code_pkey primary key (hash)
);
create index waiting_for_code_expires_idx on cms.waiting_for_code (expires_at);

create table cms.api_token (
  id uuid not null,
  name text not null,
  hash bytea not null,
  -- The first characters, by which people tell tokens apart.
  prefix text not null,
  role text not null,
  -- [{"type": "product", "action": "read"}]; null for all that the role may do, null inside for all of its kind.
  scopes jsonb,
  created_at timestamptz not null default now(),
  created_by uuid,
  expires_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz,
  constraint api_token_pkey primary key (id),
  constraint api_token_hash_key unique (hash),
  constraint api_token_created_by_fkey foreign key (created_by) references cms.user (id) on delete set null
);
create index api_token_created_by_idx on cms.api_token (created_by);

create table cms.signing_key (
  kid text not null,
  algorithm text not null,
  public bytea not null,
  -- Sealed with TYPECASE_SECRET.
  private bytea not null,
  created_at timestamptz not null default now(),
  signs_from timestamptz not null,
  signs_until timestamptz,
  verifies_until timestamptz,
  constraint signing_key_pkey primary key (kid)
);

create table cms.totp (
  user_id uuid not null,
  -- Sealed with TYPECASE_SECRET.
  secret bytea not null,
  created_at timestamptz not null default now(),
  confirmed_at timestamptz,
  -- The last time step whose code was taken: a code works once (RFC 6238, 5.2).
  last_step bigint not null default 0,
  -- Wrong codes in a row, and when the last of them was given.
  failures integer not null default 0,
  failed_at timestamptz,
  constraint totp_pkey primary key (user_id),
  constraint totp_user_fkey foreign key (user_id) references cms.user (id) on delete cascade
);

create table cms.recovery_code (
  user_id uuid not null,
  hash bytea not null,
  used_at timestamptz,
  constraint recovery_code_pkey primary key (user_id, hash),
  constraint recovery_code_user_fkey foreign key (user_id) references cms.user (id) on delete cascade
);

-- Who did what, when and from where. Users may go; what they did stays, so nothing here refers to them by a key.
create table cms.audit (
  id uuid not null,
  at timestamptz not null default now(),
  -- user, token, developer, system, anonymous
  actor_kind text not null,
  actor uuid,
  actor_name text,
  role text,
  address inet,
  request_id text,
  action text not null,
  type text,
  entry uuid,
  fields text[],
  before jsonb,
  after jsonb,
  constraint audit_pkey primary key (id)
);
create index audit_at_idx on cms.audit (at, id);
create index audit_actor_idx on cms.audit (actor, at);
create index audit_entry_idx on cms.audit (entry, at);

create function cms.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  raise exception '%.% is only ever added to', tg_table_schema, tg_table_name
    using errcode = 'insufficient_privilege';
end $$;

create trigger audit_is_append_only before update or delete or truncate on cms.audit
  for each statement execute function cms.refuse_change();

commit;
