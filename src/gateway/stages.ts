// The fixed order in which the policies of a request run, whatever order they were configured in.

export const STAGES = ['guard', 'authenticate', 'authorize', 'limit', 'message'] as const;

export type Stage = (typeof STAGES)[number];
