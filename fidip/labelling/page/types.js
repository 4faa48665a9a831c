/**
 * The shapes that the page and the server exchange. No code: types for the editor's checks.
 *
 * @typedef {[number, number, number]} Point  x, y (px of the original image, pixel corners) and v (2 visible, 1 occluded, 0 absent)
 * @typedef {[number, number, number, number]} Box  x, y of the top left corner, width, height, px
 *
 * @typedef {object} Person
 * @property {number} id
 * @property {Point[]} keypoints
 * @property {Box|null} bbox
 * @property {string|null} posture
 * @property {number|null} score
 *
 * @typedef {object} LabelDocument
 * @property {Person[]} people
 * @property {"unreviewed"|"reviewed"|"rejected"} status
 * @property {string[]} reasons
 * @property {string} note
 *
 * @typedef {object} Entry  one line of the list
 * @property {number} id
 * @property {string} name
 * @property {"unreviewed"|"reviewed"|"rejected"} status
 * @property {boolean} doubtful
 * @property {"ok"|"unreadable"|"missing"} state
 * @property {number} revision
 * @property {string} [who]
 *
 * @typedef {object} Doubt
 * @property {number} person  id of the person
 * @property {number|null} keypoint  null: of the person as a whole
 * @property {string} kind
 * @property {string} text
 *
 * @typedef {object} ImageState  what GET /api/images/{id} answers
 * @property {number} id
 * @property {string} name
 * @property {number} width
 * @property {number} height
 * @property {"ok"|"unreadable"|"missing"} state
 * @property {string} note
 * @property {number} revision
 * @property {LabelDocument} document
 * @property {{document: LabelDocument, who: string}} first
 * @property {Doubt[]} doubts
 * @property {string} who
 * @property {string} when
 * @property {string[]} overlays
 * @property {number} [frame]  of a video
 * @property {number|null} [time_s]
 *
 * @typedef {object} Project  what GET /api/project answers
 * @property {"label"|"review"} kind
 * @property {string} title
 * @property {string} root
 * @property {string} output
 * @property {string} who
 * @property {{keypoints: string[], skeleton: [number, number][], flip_pairs: [number, number][]}} schema
 * @property {string[]} postures
 * @property {string[]} reasons
 * @property {Object<string, number>} counts
 * @property {number} change
 * @property {Entry[]} images
 *
 * @typedef {object} Edit  one completed edit on its way to the server
 * @property {number} image
 * @property {number} base  revision that it was made on
 * @property {LabelDocument} document
 * @property {string} action
 * @property {string} who
 */

export {};
