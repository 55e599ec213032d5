-- Routing (派单路由): which unit a matter is proposed to, by data. A rule is added and ends; what it
-- says never changes, so that a proposal of last week can still be explained.
create table routing_rule (
    id uuid primary key,
    -- 一级, 一级/二级 or 一级/二级/三级; what is left out fits everything.
    category text,
    urgency text,
    -- The matter lies in this division.
    division_code text references org_node,
    -- The estate is managed so.
    management_mode text,
    lead text not null references org_node,
    assist text[] not null default '{}',
    -- Between rules that are equally specific the higher counts.
    priority smallint not null default 0 constraint routing_rule_priority check (priority between 0 and 100),
    valid_from date not null,
    -- The first day on which it counts no more.
    valid_to date,
    note text not null default '',
    created_at timestamptz not null,
    created_by uuid references account,
    constraint routing_rule_validity check (valid_to is null or valid_to >= valid_from),
    constraint routing_rule_lead_once check (lead <> all (assist))
);
-- One rule in force says one thing about one matter.
create unique index routing_rule_open on routing_rule
    (category, urgency, division_code, management_mode, lead) nulls not distinct where valid_to is null;
create index routing_rule_recent on routing_rule (created_at desc, id desc);

-- The box around a grid's polygon: finds the few grids in which a point may lie.
create function boundary_box(ring jsonb) returns box
    language sql immutable strict parallel safe
    as $$
        select box(
            point(max((vertex ->> 0)::double precision), max((vertex ->> 1)::double precision)),
            point(min((vertex ->> 0)::double precision), min((vertex ->> 1)::double precision)))
        from jsonb_array_elements(ring) as vertex
    $$;
create index org_node_grid_box on org_node using gist (boundary_box(boundary))
    where kind = 'grid' and active and boundary is not null;
