-- Who is given which role takes two security administrators (四眼原则), and the three administrators are
-- three persons (三员分立).

create table grant_proposal (
    id uuid primary key,
    version bigint not null default 1,
    status text not null constraint grant_proposal_status check (
        status in ('proposed', 'approved', 'refused', 'withdrawn', 'expired')),
    kind text not null constraint grant_proposal_kind check (kind in ('grant', 'revoke', 'account')),
    -- Whose role it is; of a new account only once it is made.
    account uuid references account,
    username text,
    display_name text,
    role text not null constraint grant_proposal_by_hand check (role not in ('resident', 'party_member')),
    scope text not null,
    reason text not null,
    -- The role is taken at once, and given back unless another administrator confirms it.
    urgent boolean not null,
    proposed_by uuid not null references account,
    proposed_at timestamptz not null,
    expires_at timestamptz not null,
    decided_by uuid references account,
    decided_at timestamptz,
    note text,
    constraint grant_proposal_new check (
        (kind = 'account') = (username is not null) and (kind = 'account') = (display_name is not null)),
    constraint grant_proposal_account check (
        case when kind = 'account' then (account is not null) = (status = 'approved') else account is not null end),
    constraint grant_proposal_urgent check (not urgent or kind = 'revoke'),
    constraint grant_proposal_decided check (
        (status = 'proposed') = (decided_at is null)
        and (status in ('approved', 'refused', 'withdrawn')) = (decided_by is not null)),
    constraint grant_proposal_by_another check (
        status not in ('approved', 'refused') or decided_by <> proposed_by),
    constraint grant_proposal_not_own check (
        proposed_by <> account and (decided_by is null or decided_by <> account))
);
create unique index grant_proposal_open on grant_proposal (account, role, scope) where status = 'proposed';
create unique index grant_proposal_open_username on grant_proposal (username) where status = 'proposed';
create index grant_proposal_recent on grant_proposal (proposed_at desc, id desc);
create index grant_proposal_account_recent on grant_proposal (account, proposed_at desc, id desc);
create index grant_proposal_due on grant_proposal (expires_at) where status = 'proposed';

-- Of one person (the same account, or accounts with the same verified phone) an administrator's role
-- is the only role of staff. Whoever changes the roles or the phone of a person does it one after the
-- other, so that two changes that each look right do not come to something wrong.
create function administrators_are_apart(checked uuid) returns void language plpgsql as $$
declare
    phone bytea;
    held text[];
begin
    perform from account where id = checked for no key update;
    select phone_index into phone from person where account_id = checked;
    if phone is not null then
        perform pg_advisory_xact_lock(hashtextextended(encode(phone, 'hex'), 46));
    end if;
    select array_agg(distinct role) into held
    from role_grant
    where revoked_at is null and role not in ('resident', 'party_member')
        and (account_id = checked
            or account_id in (select account_id from person where phone_index = phone));
    if cardinality(held) > 1 and held && array['security_admin', 'system_admin', 'auditor'] then
        raise exception 'administrators are apart' using
            errcode = 'check_violation', table = 'role_grant', constraint = 'role_grant_separate';
    end if;
end
$$;
create function role_grant_is_separate() returns trigger language plpgsql as $$
begin
    perform administrators_are_apart(new.account_id);
    return new;
end
$$;
create trigger role_grant_separate after insert or update of role, revoked_at, account_id on role_grant
    for each row when (new.revoked_at is null and new.role not in ('resident', 'party_member'))
    execute function role_grant_is_separate();
create trigger person_separate after insert or update of phone_index on person
    for each row when (new.phone_index is not null)
    execute function role_grant_is_separate();
