import type { ComponentChildren } from "preact";
import { titleOf, useUser } from "../../model/client.js";
import { Avatar } from "../../parts/Avatar.js";

interface Props {
  userId: string;
  /** In place of the name. */
  name?: string;
  sub?: string;
  onClick?: () => void;
  children?: ComponentChildren;
}

/** A person in a list. */
export function PersonRow({ userId, name, sub, onClick, children }: Props) {
  const user = useUser(userId);
  const shown = name || titleOf(user);
  const inner = (
    <>
      <Avatar id={userId} name={shown} media={user?.avatar} size={36} />
      <span class="main">
        <span class="truncate block" dir="auto">
          {shown}
        </span>
        {sub && <span class="sub truncate block">{sub}</span>}
      </span>
    </>
  );
  if (!onClick) return <div class="row">{inner}{children}</div>;
  return (
    <div class="row-with-tools">
      <button type="button" class="row" onClick={onClick}>
        {inner}
      </button>
      {children}
    </div>
  );
}
