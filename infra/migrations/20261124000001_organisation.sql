-- Organisation: the administrative tree, the departments, the party tree, duty lists.
create table org_node (
    code text primary key constraint org_node_code check (code ~ '^[a-z0-9-]{2,40}$'),
    tree text not null constraint org_node_tree check (tree in ('admin', 'party')),
    kind text not null,
    name text not null,
    parent_code text references org_node,
    -- In which group a unit is ranked; null for nodes that are no units.
    peer_group text constraint org_node_peer_group check (peer_group in ('subdistrict', 'department', 'utility')),
    management_mode text,
    -- A grid's polygon, [[lng, lat], …] in GCJ-02.
    boundary jsonb,
    -- The division that a party body belongs to.
    division_code text references org_node,
    active boolean not null default true
);
create index org_node_parent on org_node (parent_code);
create index org_node_kind on org_node (kind);

-- A party branch covers one estate or several (单独组建, 就近联建).
create table party_branch_estate (
    branch_code text not null references org_node,
    estate_code text not null references org_node,
    primary key (branch_code, estate_code)
);

-- A version of a duty list. Versions are immutable: a new one is added, an old one only ends.
create table duty_list (
    id bigint generated always as identity primary key,
    -- territorial: 属地管理责任清单; basic, cooperate, recalled: the three lists of a township;
    -- community: a community's own list.
    kind text not null constraint duty_list_kind check (kind in ('territorial', 'basic', 'cooperate', 'recalled', 'community')),
    version text not null unique,
    title text not null,
    -- The subdistrict or community it is for; null for the district's territorial list.
    division_code text references org_node,
    valid_from date not null,
    valid_to date,
    constraint duty_list_validity check (valid_to is null or valid_to > valid_from)
);

create table duty_item (
    list_id bigint not null references duty_list,
    code text not null,
    category text not null,
    name text not null,
    lead_unit text references org_node,
    department_duty text not null default '',
    subdistrict_role text not null constraint duty_item_role check (subdistrict_role in ('none', 'assist', 'lead')),
    subdistrict_duty text not null default '',
    photos_required boolean not null default false,
    basis text not null,
    primary key (list_id, code)
);
create index duty_item_code on duty_item (code);
