create schema {stage};
create table {stage}.label (
  id uuid primary key, revision bigint not null, created_at timestamptz not null, updated_at timestamptz not null,
  published_at timestamptz, first_published_at timestamptz, created_by uuid, updated_by uuid, published_by uuid, name text not null, rank bigint);
create table {stage}.person (
  id uuid primary key, revision bigint not null, created_at timestamptz not null, updated_at timestamptz not null,
  published_at timestamptz, first_published_at timestamptz, created_by uuid, updated_by uuid, published_by uuid, name text not null);
create table {stage}.note (
  id uuid primary key, revision bigint not null, created_at timestamptz not null, updated_at timestamptz not null,
  published_at timestamptz, first_published_at timestamptz, created_by uuid, updated_by uuid, published_by uuid, title text not null, slug text unique, views bigint, big_size bigint, weight numeric,
  pinned boolean, day date, at time, moment timestamptz, length bigint, price bigint, price_currency text, "order" text,
  extra jsonb, state text, marks text[] not null, parent_id uuid, author_id uuid, about_label_id uuid,
  about_person_id uuid, seo jsonb, links jsonb not null, body jsonb not null);
create table {stage}.note_labels (
  owner_id uuid not null references {stage}.note on delete cascade, target_id uuid not null, position bigint not null,
  primary key (owner_id, target_id));
create table {stage}.note_mentions (
  owner_id uuid not null references {stage}.note on delete cascade, label_id uuid, person_id uuid,
  position bigint not null);
create table {stage}.note_item (
  id uuid primary key, parent_id uuid not null references {stage}.note on delete cascade, position bigint not null,
  text text not null, count bigint, label_id uuid);
