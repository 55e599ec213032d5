-- Lists that clerks live in: an index for each filter, the hot mark, saved views.

-- The pairs of several words at once, as one array that the planner can weigh.
create function bigrams(given text[]) returns text[]
    language sql immutable strict parallel safe
    as $$ select array(select distinct pair from unnest(given) as word, unnest(bigrams(word)) as pair) $$;
comment on function bigrams(text[]) is 'Every pair of every word: a text that holds all of them holds all the words.';

-- What words are looked for in: the address names the estate, which titles often do not.
create function searched(title text, content text, address text) returns text[]
    language sql immutable parallel safe
    as $$ select bigrams(title || ' ' || content || coalesce(' ' || address, '')) $$;
create index complaint_searched on complaint using gin (searched(title, content, address));
drop index complaint_words;
-- People quote the end of a number.
create index complaint_number_end on complaint (reverse(number) text_pattern_ops);
create index complaint_kind on complaint (kind, urgency, submitted_at desc, id desc);
create index task_open on task (reply_by) where ended_at is null;
create index task_status on task (status, dispatched_at desc, id desc) where status <> 'confirmed';

-- Cases that the centre keeps an eye on. A row is a mark; the audit trail knows the past ones.
create table complaint_hot (
    complaint_id uuid primary key references complaint,
    marked_at timestamptz not null,
    marked_by uuid not null references account,
    reason text
);

-- A list's filters under a name, for one account.
create table saved_view (
    id uuid primary key,
    account_id uuid not null references account,
    name text not null constraint saved_view_name_length check (char_length(name) between 1 and 40),
    list text not null constraint saved_view_list check (list in ('complaints', 'tasks')),
    -- The query string, as the list takes it.
    query text not null,
    created_at timestamptz not null,
    constraint saved_view_name unique (account_id, name)
);
create index saved_view_account on saved_view (account_id, created_at, id);
