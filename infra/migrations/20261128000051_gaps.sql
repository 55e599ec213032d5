-- The register of members says that somebody works elsewhere now: units have receipts of it that no
-- change of the registration brought.
alter table receipt
    drop constraint receipt_change,
    add constraint receipt_change check (case
        when cause in ('signed', 'removed') then change_id is null
        when cause in ('left', 'joined') then true
        else change_id is not null end);

-- A community gives to a household by two persons: who said whose account the household's is does not
-- give to it.
alter table household add column account_by uuid references account;
update household set account_by = registered_by where account_id is not null;
alter table household
    add constraint household_account_by check (account_id is null or account_by is not null);
alter table donation
    add column bound_by uuid references account,
    add constraint donation_by_two check (bound_by <> given_by);
