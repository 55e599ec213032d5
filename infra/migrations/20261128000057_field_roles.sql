-- Everybody who works outside is invited in the same way: a merchant's people by its manager, grid
-- officers and property people by the community. The scope is whatever the role is held on, which the
-- program checks when it is invited.
alter table merchant_invitation rename to invitation;
alter table invitation rename column merchant to scope;
alter table invitation drop constraint merchant_invitation_merchant_fkey;
alter table invitation drop constraint merchant_invitation_role;
alter table invitation add constraint invitation_role
    check (role in ('merchant_clerk', 'merchant_manager', 'grid_officer', 'property_clerk'));
alter table invitation rename constraint merchant_invitation_pkey to invitation_pkey;
alter table invitation rename constraint merchant_invitation_code to invitation_code;
alter table invitation rename constraint merchant_invitation_used to invitation_used;
alter table invitation rename constraint merchant_invitation_not_by_oneself to invitation_not_by_oneself;
alter table invitation rename constraint merchant_invitation_created_by_fkey to invitation_created_by_fkey;
alter table invitation rename constraint merchant_invitation_used_by_fkey to invitation_used_by_fkey;

-- By what somebody logged in, and when they last showed once more who they are. Log-ins from before
-- this migration have no means; they end by themselves.
alter table session
    add column means text constraint session_means check (means in ('wechat', 'phone', 'password', 'oidc')),
    add column confirmed_at timestamptz;
