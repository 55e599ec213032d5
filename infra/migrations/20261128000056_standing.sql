-- The edition of an announcement that was let through last, or that nobody had to look at: what is shown
-- at once and looked at after (停水停电停气) gives way to it where it is not let through.
alter table announcement add column approved integer;
update announcement set approved = shown where shown is distinct from waiting;
alter table announcement
    add constraint announcement_approved check (
        approved <= edition
        and (status <> 'published' or shown is not distinct from approved or shown is not distinct from waiting)),
    add constraint announcement_approved_edition foreign key (id, approved)
        references announcement_edition (announcement_id, number) deferrable initially deferred;

-- Where a community gives a household points, which is where a reason stands, the gift names who said whose
-- account the household's is. Gifts from before that was kept have nobody to name, and are only added to;
-- every new one is checked.
alter table donation
    add constraint donation_bound check (reason is null or bound_by is not null) not valid;
