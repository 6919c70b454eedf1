-- 0002_add
-- Made by `cargo xtask generate` from schema/.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- add column author.created_by
alter table draft.author add column created_by uuid;
alter table live.author add column created_by uuid;

-- add column author.updated_by
alter table draft.author add column updated_by uuid;
alter table live.author add column updated_by uuid;

-- add column brand.created_by
alter table draft.brand add column created_by uuid;
alter table live.brand add column created_by uuid;

-- add column brand.updated_by
alter table draft.brand add column updated_by uuid;
alter table live.brand add column updated_by uuid;

-- add column category.created_by
alter table draft.category add column created_by uuid;
alter table live.category add column created_by uuid;

-- add column category.updated_by
alter table draft.category add column updated_by uuid;
alter table live.category add column updated_by uuid;

-- add column media.created_by
alter table draft.media add column created_by uuid;
alter table live.media add column created_by uuid;

-- add column media.updated_by
alter table draft.media add column updated_by uuid;
alter table live.media add column updated_by uuid;

-- add column post.created_by
alter table draft.post add column created_by uuid;
alter table live.post add column created_by uuid;

-- add column post.updated_by
alter table draft.post add column updated_by uuid;
alter table live.post add column updated_by uuid;

-- add column product.created_by
alter table draft.product add column created_by uuid;
alter table live.product add column created_by uuid;

-- add column product.updated_by
alter table draft.product add column updated_by uuid;
alter table live.product add column updated_by uuid;

-- add column service.created_by
alter table draft.service add column created_by uuid;
alter table live.service add column created_by uuid;

-- add column service.updated_by
alter table draft.service add column updated_by uuid;
alter table live.service add column updated_by uuid;

-- add column tag.created_by
alter table draft.tag add column created_by uuid;
alter table live.tag add column created_by uuid;

-- add column tag.updated_by
alter table draft.tag add column updated_by uuid;
alter table live.tag add column updated_by uuid;

commit;
