-- system/0015_schedule_order
-- What is due before a scheduled change is found by its time; an unpublication can be made whatever refers to the entry.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- typecase: allow M302
create index scheduled_change_due_idx on cms.scheduled_change (at) where state = 'pending';

alter table cms.scheduled_change add column force boolean not null default false;
alter table cms.release_item add column force boolean not null default false;

commit;
