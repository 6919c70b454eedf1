-- 0002_change__author_brand
-- Made by `cargo xtask generate` from schema/.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- add column author.first_published_at
alter table draft.author add column first_published_at timestamptz;
alter table live.author add column first_published_at timestamptz;

-- add column author.published_by
alter table draft.author add column published_by uuid;
alter table live.author add column published_by uuid;

-- add column brand.first_published_at
alter table draft.brand add column first_published_at timestamptz;
alter table live.brand add column first_published_at timestamptz;

-- add column brand.published_by
alter table draft.brand add column published_by uuid;
alter table live.brand add column published_by uuid;

-- add column category.first_published_at
alter table draft.category add column first_published_at timestamptz;
alter table live.category add column first_published_at timestamptz;

-- add column category.published_by
alter table draft.category add column published_by uuid;
alter table live.category add column published_by uuid;

-- add column media.first_published_at
alter table draft.media add column first_published_at timestamptz;
alter table live.media add column first_published_at timestamptz;

-- add column media.published_by
alter table draft.media add column published_by uuid;
alter table live.media add column published_by uuid;

-- add column post.first_published_at
alter table draft.post add column first_published_at timestamptz;
alter table live.post add column first_published_at timestamptz;

-- add column post.published_by
alter table draft.post add column published_by uuid;
alter table live.post add column published_by uuid;

-- add column product.first_published_at
alter table draft.product add column first_published_at timestamptz;
alter table live.product add column first_published_at timestamptz;

-- add column product.published_by
alter table draft.product add column published_by uuid;
alter table live.product add column published_by uuid;

-- add column service.first_published_at
alter table draft.service add column first_published_at timestamptz;
alter table live.service add column first_published_at timestamptz;

-- add column service.published_by
alter table draft.service add column published_by uuid;
alter table live.service add column published_by uuid;

-- add column tag.first_published_at
alter table draft.tag add column first_published_at timestamptz;
alter table live.tag add column first_published_at timestamptz;

-- add column tag.published_by
alter table draft.tag add column published_by uuid;
alter table live.tag add column published_by uuid;

-- fill author.first_published_at
update draft.author set first_published_at = published_at where first_published_at is null;
update live.author set first_published_at = published_at where first_published_at is null;

-- fill brand.first_published_at
update draft.brand set first_published_at = published_at where first_published_at is null;
update live.brand set first_published_at = published_at where first_published_at is null;

-- fill category.first_published_at
update draft.category set first_published_at = published_at where first_published_at is null;
update live.category set first_published_at = published_at where first_published_at is null;

-- fill media.first_published_at
update draft.media set first_published_at = published_at where first_published_at is null;
update live.media set first_published_at = published_at where first_published_at is null;

-- fill post.first_published_at
update draft.post set first_published_at = published_at where first_published_at is null;
update live.post set first_published_at = published_at where first_published_at is null;

-- fill product.first_published_at
update draft.product set first_published_at = published_at where first_published_at is null;
update live.product set first_published_at = published_at where first_published_at is null;

-- fill service.first_published_at
update draft.service set first_published_at = published_at where first_published_at is null;
update live.service set first_published_at = published_at where first_published_at is null;

-- fill tag.first_published_at
update draft.tag set first_published_at = published_at where first_published_at is null;
update live.tag set first_published_at = published_at where first_published_at is null;

commit;

-- create index author_first_published_at_idx
create index concurrently if not exists author_first_published_at_idx on draft.author (first_published_at, id);
create index concurrently if not exists author_first_published_at_idx on live.author (first_published_at, id);

-- create index brand_first_published_at_idx
create index concurrently if not exists brand_first_published_at_idx on draft.brand (first_published_at, id);
create index concurrently if not exists brand_first_published_at_idx on live.brand (first_published_at, id);

-- create index category_first_published_at_idx
create index concurrently if not exists category_first_published_at_idx on draft.category (first_published_at, id);
create index concurrently if not exists category_first_published_at_idx on live.category (first_published_at, id);

-- create index media_first_published_at_idx
create index concurrently if not exists media_first_published_at_idx on draft.media (first_published_at, id);
create index concurrently if not exists media_first_published_at_idx on live.media (first_published_at, id);

-- create index post_first_published_at_idx
create index concurrently if not exists post_first_published_at_idx on draft.post (first_published_at, id);
create index concurrently if not exists post_first_published_at_idx on live.post (first_published_at, id);

-- create index product_first_published_at_idx
create index concurrently if not exists product_first_published_at_idx on draft.product (first_published_at, id);
create index concurrently if not exists product_first_published_at_idx on live.product (first_published_at, id);

-- create index service_first_published_at_idx
create index concurrently if not exists service_first_published_at_idx on draft.service (first_published_at, id);
create index concurrently if not exists service_first_published_at_idx on live.service (first_published_at, id);

-- create index tag_first_published_at_idx
create index concurrently if not exists tag_first_published_at_idx on draft.tag (first_published_at, id);
create index concurrently if not exists tag_first_published_at_idx on live.tag (first_published_at, id);
