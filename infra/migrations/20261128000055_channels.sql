-- Notifications that leave the house by more than one way.

-- How often a delivery surely failed. `attempt` counts its jobs, of which a quiet hour and a person who
-- sends it again make further ones.
alter table delivery
    add column failures integer not null default 0
        constraint delivery_failures check (failures between 0 and 100);
