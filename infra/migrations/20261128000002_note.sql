-- Internal notes (内部备注) on a case: for the centre and the units that hold a task of it. The
-- reporter never reads them, so that they stand apart from events, which everybody's timeline is
-- made of. Nothing but infra/src/postgres/note.rs names this table.
create table internal_note (
    id uuid primary key,
    complaint_id uuid references complaint,
    whistle_id uuid references whistle,
    -- The case, whichever it is.
    case_id uuid not null generated always as (coalesce(complaint_id, whistle_id)) stored,
    -- In whose name it was written; none for the centre.
    unit text references org_node,
    author_id uuid not null references account,
    text text not null constraint internal_note_text check (char_length(text) between 1 and 2000),
    -- The note that this one takes the place of.
    corrects uuid,
    written_at timestamptz not null,
    constraint internal_note_case check (num_nonnulls(complaint_id, whistle_id) = 1),
    constraint internal_note_of_case unique (id, case_id),
    -- A note is corrected once, by one of the same case; who corrects again corrects the correction.
    constraint internal_note_corrects foreign key (corrects, case_id) references internal_note (id, case_id),
    constraint internal_note_corrected_once unique (corrects),
    constraint internal_note_not_itself check (corrects <> id)
);
create index internal_note_by_case on internal_note (case_id, written_at, id);

create trigger internal_note_append_only before update or delete on internal_note
    for each row execute function row_is_append_only();
create trigger internal_note_no_truncate before truncate on internal_note
    for each statement execute function row_is_append_only();
