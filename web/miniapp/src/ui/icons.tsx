import type { ComponentChildren, VNode } from "preact";

function Icon({ children, size = 22 }: { children: ComponentChildren; size?: number }): VNode {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

const icon = (path: string, size?: number) => () => (
  <Icon {...(size ? { size } : {})}>
    <path d={path} />
  </Icon>
);

export const MenuIcon = icon("M4 7h16M4 12h16M4 17h10");
export const BackIcon = icon("M15 5l-7 7 7 7");
export const NewIcon = icon("M12 20h8M16.5 4.2a2 2 0 0 1 2.9 2.9L8 18.5 4 19.6 5.1 15.6z");
export const SendIcon = icon("M12 19V5M5.5 11.5L12 5l6.5 6.5");
export const StopIcon = () => (
  <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true" focusable="false">
    <rect x="3" y="3" width="12" height="12" rx="2.5" fill="currentColor" />
  </svg>
);
export const CopyIcon = icon("M9 9h10v11H9zM5 15V4h10", 18);
export const CheckIcon = icon("M5 12.5l4.5 4.5L19 7.5", 18);
export const RetryIcon = icon("M4 12a8 8 0 1 0 2.6-5.9M4 4.5V9h4.5", 18);
export const ShieldIcon = icon(
  "M12 3l7.5 2.8v5.4c0 4.6-3.1 8-7.5 9.8-4.4-1.8-7.5-5.2-7.5-9.8V5.8z",
);
export const ShieldCheckIcon = icon(
  "M12 3l7.5 2.8v5.4c0 4.6-3.1 8-7.5 9.8-4.4-1.8-7.5-5.2-7.5-9.8V5.8zM8.6 12l2.4 2.4 4.4-4.6",
);
export const WalletIcon = icon(
  "M4 7.5A2.5 2.5 0 0 1 6.5 5H18v3.5M4 7.5V17a2.5 2.5 0 0 0 2.5 2.5H20v-11H6.5A2.5 2.5 0 0 1 4 7.5M16 14h.01",
);
export const GearIcon = icon("M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8v4.4M9 14.8v4.4");
export const TrashIcon = icon("M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 11v5M13.5 11v5", 18);
export const PictureIcon = icon("M4 5h16v14H4zM4 16l4.5-4.5 4 4L15 13l5 5M15.5 9h.01");
export const CloseIcon = icon("M6 6l12 12M18 6L6 18", 18);
export const DownIcon = icon("M12 5v14M5.5 12.5L12 19l6.5-6.5", 20);
export const ChevronIcon = icon("M6 9l6 6 6-6", 16);
export const NextIcon = icon("M9 6l6 6-6 6", 18);
export const FileIcon = icon("M6 3.5h8l4 4v13H6zM14 3.5v4h4", 18);
export const ServerIcon = icon("M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01");
export const ChipIcon = icon(
  "M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
);
export const PhoneIcon = icon("M8 3h8v18H8zM11 18h2");
export const EyeIcon = icon(
  "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5",
  18,
);
export const EyeOffIcon = icon(
  "M4 4l16 16M9.9 5.8A9.6 9.6 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a16 16 0 0 1-3 3.7M6.2 7.6A15.6 15.6 0 0 0 2.5 12s3.5 6.5 9.5 6.500a9.3 9.3 0 0 0 3.6-.7",
  18,
);
export const StarIcon = icon(
  "M12 3.800l2.5 5.2 5.7.8-4.1 4 1 5.7-5.1-2.7-5.1 2.7 1-5.7-4.1-4 5.7-.8z",
);
export const DiamondIcon = icon("M4 5h16l-8 15zM12 5v15", 20);
export const SendOutIcon = icon("M7 17L17 7M9 7h8v8", 18);

/** The app's mark: a cocoon, drawn as three threads around a core. */
export function Mark({ size = 56 }: { size?: number }): VNode {
  return (
    <svg
      width={(size * 34) / 48}
      height={size}
      viewBox="11 4 34 48"
      aria-hidden="true"
      focusable="false"
      class="mark"
    >
      <ellipse cx="28" cy="28" rx="15" ry="22" class="mark-shell" />
      <path
        d="M14.5 20c8 5 19 5 27 0M13 28c9 6 21 6 30 0M14.5 36c8 5 19 5 27 0"
        class="mark-thread"
      />
      <circle cx="28" cy="27" r="4.5" class="mark-core" />
    </svg>
  );
}
