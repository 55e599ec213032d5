-- pg_restore and autovacuum work with an empty search path: what an index calls is called by its whole
-- name, or a dump cannot be restored and the tables are never analysed.
create or replace function bigrams(given text[]) returns text[]
    language sql immutable strict parallel safe
    as $$
        select array(select distinct pair from unnest(given) as word, unnest(public.bigrams(word)) as pair)
    $$;
create or replace function searched(title text, content text, address text) returns text[]
    language sql immutable parallel safe
    as $$ select public.bigrams(title || ' ' || content || coalesce(' ' || address, '')) $$;
