// Hands the newest measurements of live runs to the frame that draws them (`live_curves.js`).
export default ({data}) => {
  const meeting = (window.loopkeeperLive ??= {data: null, draw: null});
  meeting.data = data;
  meeting.draw?.(data);
};
