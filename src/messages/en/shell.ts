/** The frame of the page: its places, and what is said wherever one is. */
export const shell = {
  tagline: 'Talk about your pictures, on your own machine. Nothing leaves this device.',
  newConversation: 'New',
  places: 'Places',
  talk: 'Talk',
  notHere: 'The conversation that this link leads to is not kept in this browser.',
} as const
