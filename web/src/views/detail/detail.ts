/** What is open beside a conversation; "" is nothing. */
export type Detail = "" | "info" | "pins" | "search";
