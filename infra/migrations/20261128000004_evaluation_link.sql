-- The short link (短链) by which a reporter evaluates one reply without log-in: made with the reply,
-- and good for one evaluation while that reply is the one to judge.
create table evaluation_link (
    id uuid primary key,
    -- Whose reporter it stands for, and the case whose reply is judged: the same, or the one it follows.
    complaint_id uuid not null references complaint,
    leading_id uuid not null references complaint,
    replied_at timestamptz not null,
    -- Found by the first. The second lets the reporter's inbox show it, and is gone once it is used.
    token_mac bytea not null constraint evaluation_link_token unique
        constraint evaluation_link_mac check (octet_length(token_mac) = 32),
    token_sealed bytea,
    made_at timestamptz not null,
    used_at timestamptz,
    evaluation_id uuid constraint evaluation_link_evaluation unique references evaluation,
    constraint evaluation_link_round unique (complaint_id, leading_id, replied_at),
    constraint evaluation_link_used check (
        (used_at is null) = (evaluation_id is null) and (used_at is null) = (token_sealed is not null))
);

-- Whose reporters are asked for a word of their own though their complaint follows another.
create index complaint_child_follow_up on complaint (clock_from, id)
    where status = 'merged' and follow_up_round > 0;
