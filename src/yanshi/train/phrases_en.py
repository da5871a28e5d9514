"""How people say things in English: the tables behind `train.sentences`.

See `phrases_zh` for how to read them; `{place}`, `{thing}` and `{person}` bring their article.
"""

# fmt: off
KINDS: dict[str, tuple[str, ...]] = {
    "cube": ("cube", "block", "toy block", "building block"),
    "ball": ("ball", "small ball", "rubber ball"),
    "cup": ("cup", "mug", "glass", "coffee cup", "teacup", "coffee mug"),
    "bowl": ("bowl", "soup bowl", "cereal bowl"),
    "bottle": ("bottle", "water bottle", "flask"),
    "can": ("can", "tin", "soda can", "tin can", "drink can"),
    "plate": ("plate", "dish", "saucer", "dinner plate"),
    "apple": ("apple",),
    "banana": ("banana",),
    "walnut": ("walnut", "nut"),
    "sausage": ("sausage", "hot dog", "frankfurter"),
    "book": ("book", "novel", "textbook"),
    "box": ("box", "carton", "package", "cardboard box"),
}

COLOURS: dict[str, tuple[str, ...]] = {
    "red": ("red", "bright red", "crimson"),
    "green": ("green", "dark green"),
    "blue": ("blue", "light blue", "dark blue"),
    "yellow": ("yellow", "bright yellow"),
    "orange": ("orange", "orange-coloured"),
    "purple": ("purple", "violet"),
    "white": ("white",),
    "brown": ("brown", "dark brown"),
}

OTHER_COLOURS = ("black", "pink", "grey", "gray", "silver", "golden", "transparent", "turquoise")

MEASURES = ("the", "the", "the", "the", "a", "a", "that", "my", "", "this", "any", "some")

PLACES: dict[str, tuple[str, ...]] = {
    "table": ("table", "desk", "dining table", "tabletop", "coffee table"),
    "shelf": ("shelf", "bookshelf", "rack", "shelves", "bookcase", "cupboard"),
    "door": ("door", "doorway", "entrance", "exit"),
    "sofa": ("sofa", "couch", "settee"),
    "plant": ("plant", "potted plant", "houseplant", "flowerpot", "pot plant"),
}

AT = ("",)
ON = ("on", "upon", "on top of")

PERSONS = (
    "the guest", "the person", "me", "the visitor", "our guest", "the man", "the woman", "him",
    "her", "that person", "my friend", "the human", "somebody", "the lady",
)

STEPS: dict[str, tuple[str, ...]] = {
    "go {place}": (
        "go to {place}", "walk to {place}", "walk over to {place}", "go over to {place}",
        "move to {place}", "head to {place}", "head for {place}", "come to {place}",
        "approach {place}", "stand by {place}", "stand in front of {place}",
        "walk up to {place}", "make your way to {place}", "get to {place}", "step up to {place}",
        "take yourself to {place}", "stand next to {place}", "go and stand near {place}",
        "walk towards {place}", "proceed to {place}", "go back to {place}", "run to {place}",
        "position yourself at {place}", "wait at {place}", "walk to {place} and stop",
        "go to {place} and stop there", "wander over to {place}",
        "don't go to {elsewhere}, go to {place}", "not {elsewhere}, go to {place}",
        "go to {place}, not to {elsewhere}", "stroll to {place}", "get yourself over to {place}",
        "return to {place}", "meet me at {place}",
    ),
    "go {thing}": (
        "go to {thing}", "walk to {thing}", "walk over to {thing}", "go over to {thing}",
        "head to {thing}", "approach {thing}", "move closer to {thing}", "walk up to {thing}",
        "stand next to {thing}", "get close to {thing}", "go to {thing} {on} {place}",
        "come to {thing}", "walk towards {thing}", "stand in front of {thing}",
        "step up to {thing}",
    ),
    "go {person}": (
        "come here", "come to {person}", "come over here", "go to {person}", "walk to {person}",
        "approach {person}", "walk up to {person}", "come over", "come closer",
        "go over to {person}", "come back", "come back to me", "head over to {person}",
        "walk towards {person}", "get over here", "come and stand by me", "go and join {person}",
        "step up to {person}",
    ),
    "go forward {metres}": (
        "go forward {metres}", "walk forward {metres}", "move forward {metres}",
        "go ahead {metres}", "walk {metres} forward", "take {metres} forward",
        "advance {metres}", "step forward {metres}", "walk straight ahead for {metres}",
        "move {metres} ahead", "walk {metres}", "go straight {metres}",
    ),
    "go back {metres}": (
        "go back {metres}", "walk back {metres}", "move back {metres}", "back up {metres}",
        "step back {metres}", "go backwards {metres}", "walk backwards {metres}",
        "retreat {metres}", "move {metres} back", "reverse {metres}", "walk {metres} backwards",
    ),
    "go left {metres}": (
        "go left {metres}", "move left {metres}", "step left {metres}", "sidestep left {metres}",
        "move {metres} to the left", "shift left {metres}", "go {metres} left",
        "step {metres} to your left",
    ),
    "go right {metres}": (
        "go right {metres}", "move right {metres}", "step right {metres}",
        "sidestep right {metres}", "move {metres} to the right", "shift right {metres}",
        "go {metres} right", "step {metres} to your right",
    ),
    "go forward 1": (
        "go forward", "walk forward", "move forward", "walk ahead", "walk straight ahead",
    ),
    "go back 1": ("back up", "go backwards", "walk backwards", "move back", "back off"),
    "go forward 0.5": (
        "go forward a bit", "come a little closer", "take a step forward",
        "move forward a little",
    ),
    "go back 0.5": ("step back", "take a step back", "move back a bit", "back up a little"),
    "go left 0.5": (
        "step to the left", "go left a bit", "move a little to the left", "scoot left",
    ),
    "go right 0.5": (
        "step to the right", "go right a bit", "move a little to the right", "scoot right",
    ),
    "turn left {degrees}": (
        "turn left {degrees}", "turn {degrees} left", "turn {degrees} to the left",
        "rotate left {degrees}", "rotate {degrees} to the left", "turn left by {degrees}",
        "rotate {degrees} counterclockwise", "turn {degrees} anticlockwise",
        "make a left turn of {degrees}", "turn {degrees}",
    ),
    "turn right {degrees}": (
        "turn right {degrees}", "turn {degrees} right", "turn {degrees} to the right",
        "rotate right {degrees}", "rotate {degrees} to the right", "turn right by {degrees}",
        "rotate {degrees} clockwise", "turn {degrees} clockwise",
        "make a right turn of {degrees}",
    ),
    "turn left 90": (
        "turn left", "turn to the left", "take a left", "make a left", "rotate left",
        "face left",
    ),
    "turn right 90": (
        "turn right", "turn to the right", "take a right", "make a right", "rotate right",
        "face right",
    ),
    "turn left 30": ("turn left a bit", "turn slightly left", "turn a little to the left"),
    "turn right 30": ("turn right a bit", "turn slightly right", "turn a little to the right"),
    "turn around": (
        "turn around", "turn round", "about face", "face the other way", "do a half turn",
        "turn your back", "do a 180", "look behind you", "turn the other way",
        "do an about-turn", "make a u-turn",
    ),
    "turn left 360": (
        "spin around", "do a full turn", "turn a full circle", "spin once", "do a spin",
        "make a full rotation", "twirl", "do a 360", "turn all the way around",
        "rotate in place", "spin in a circle", "do a pirouette",
    ),
    "turn right 360": (
        "spin to the right", "do a full turn to the right", "spin clockwise",
        "turn a full circle to the right",
    ),
    "turn {place}": (
        "face {place}", "turn to {place}", "turn towards {place}", "turn to face {place}",
        "rotate towards {place}", "point yourself at {place}", "orient yourself towards {place}",
    ),
    "turn {thing}": (
        "face {thing}", "turn to {thing}", "turn towards {thing}", "turn to face {thing}",
        "rotate towards {thing}",
    ),
    "turn {person}": (
        "face {person}", "turn to {person}", "turn towards {person}", "turn to face {person}",
        "face me", "turn to me",
    ),
    "look {place}": (
        "look at {place}", "what is {on} {place}", "what's {on} {place}",
        "look what is {on} {place}", "see what is {on} {place}", "tell me what is {on} {place}",
        "check {place}", "have a look at {place}", "is there anything {on} {place}",
        "inspect {place}", "what do you see {on} {place}", "what things are {on} {place}",
        "take a look at {place}", "examine {place}", "describe what is {on} {place}",
        "list the things {on} {place}", "tell me what's {on} {place}", "see what's {on} {place}",
        "what can you find {on} {place}", "show me what is {on} {place}", "is {place} empty",
        "check what's {on} {place}",
    ),
    "go {place}; look {place}": (
        "go to {place} and look what is on it", "go and see what is {on} {place}",
        "walk to {place} and look at it", "go to {place} and tell me what you see",
        "go check what's {on} {place}", "go have a look at {place}",
        "walk over to {place} and check what is there", "go to {place} and see what's there",
        "visit {place} and report what is on it", "go to {place} and tell me what is there",
        "walk to {place}, see what is on it", "go take a look at {place}",
    ),
    "look {thing}": (
        "look at {thing}", "find {thing}", "look for {thing}", "where is {thing}",
        "where's {thing}", "search for {thing}", "can you see {thing}", "do you see {thing}",
        "is there {thing}", "locate {thing}", "is there {thing} {on} {place}",
        "look at {thing} {on} {place}", "have you seen {thing}", "spot {thing}",
        "is there {thing} in the room", "help me find {thing}", "I cannot find {thing}",
        "tell me where {thing} is", "take a look at {thing}", "I lost {thing}",
        "check if there is {thing}", "see if you can find {thing}", "try to find {thing}",
        "I'm looking for {thing}", "watch {thing}",
    ),
    "look {person}": (
        "look at {person}", "is anybody here", "is there anyone here", "find {person}",
        "where is {person}", "look for {person}", "do you see {person}", "is someone there",
        "can you see {person}", "watch {person}",
    ),
    "look around": (
        "look around", "have a look around", "what do you see", "what is in the room",
        "look around the room", "what can you see", "scan the room", "survey the room",
        "what's around you", "describe the room", "look everywhere", "tell me what you see",
        "take a look around", "what things are here", "inspect the room",
        "observe your surroundings", "what is around here", "check out the room",
    ),
    "point {place}": (
        "point at {place}", "point to {place}", "show me {place}", "show me where {place} is",
        "point your arm at {place}", "point out {place}", "point towards {place}",
        "point your finger at {place}",
    ),
    "point {thing}": (
        "point at {thing}", "point to {thing}", "point out {thing}", "show me {thing}",
        "show me where {thing} is", "point to {thing} {on} {place}",
        "point your finger at {thing}", "indicate {thing}", "aim your arm at {thing}",
    ),
    "point {person}": ("point at {person}", "point to {person}", "point your finger at {person}"),
    "wave": (
        "wave", "wave your hand", "wave at {person}", "say hi", "say hello", "greet {person}",
        "wave to {person}", "give {person} a wave", "wave goodbye", "say hello to {person}",
        "hello", "hi", "hi there", "hey there", "goodbye", "bye", "bye bye", "good morning",
        "say hi to {person}", "say goodbye", "welcome {person}", "wave hello", "greet everybody",
        "hello robot", "good evening", "give us a wave", "wave farewell", "wave us off",
        "wave with your right hand", "say goodbye to {person}",
    ),
    "bow": (
        "bow", "take a bow", "bow to {person}", "make a bow", "bow politely",
        "give {person} a bow", "bow down", "do a little bow", "bow before {person}",
        "bend forward politely", "show respect with a bow",
    ),
    "dance": (
        "dance", "do a dance", "dance for us", "show me a dance", "perform a dance",
        "dance a little", "let's dance", "give us a dance", "bust a move", "show us your moves",
        "boogie", "dance for {person}", "start dancing", "show off your dancing",
        "entertain us with a dance", "do your dance", "don't stop dancing", "keep dancing",
        "hit the dance floor", "have a dance",
    ),
    "wait {seconds}": (
        "wait {seconds}", "wait for {seconds}", "pause for {seconds}",
        "stand still for {seconds}", "rest {seconds}", "hold on for {seconds}",
        "stay there for {seconds}", "pause {seconds}", "do nothing for {seconds}",
        "stay put for {seconds}", "stop for {seconds}",
    ),
    "wait 3": (
        "wait", "wait a moment", "hold on", "wait a bit", "one moment", "hang on a second",
        "just a moment", "pause",
    ),
    'say "{text}"': (
        "say {text}", 'say "{text}"', "say '{text}'", 'please say "{text}"',
        'tell {person} "{text}"', "say: {text}", 'shout "{text}"', 'speak the words "{text}"',
        'say "{text}" to {person}', "repeat after me: {text}", 'announce "{text}"',
        "say “{text}”", "tell {person}: {text}", "say the words {text}", 'call out "{text}"',
        "say {text} out loud",
    ),
    'say "I am Yanshi"': (
        "who are you", "what is your name", "what's your name", "introduce yourself",
        "tell me your name",
    ),
    'say "You are welcome"': (
        "thank you", "thanks", "thanks a lot", "thank you very much", "many thanks",
    ),
    "stop": (
        "stop where you are", "stop walking", "don't move any more", "hold it", "cancel that",
        "never mind", "stop what you are doing", "quit it", "cut it out", "no more dancing",
        "stand still", "abort", "don't dance", "stay where you are", "cease", "stop dancing",
        "that's enough", "stay still", "stop everything", "don't come any closer",
    ),
    # One sentence, several steps.
    "look {thing}; go {thing}": (
        "find {thing} and go to it", "find {thing} and walk over to it",
        "look for {thing}, then walk to it", "locate {thing} and approach it",
        "see where {thing} is and go there", "search for {thing} and stand next to it",
    ),
    "go {thing}; point {thing}": (
        "go to {thing} and point at it", "walk up to {thing} and point to it",
        "approach {thing}, then point at it",
    ),
    "look {thing}; point {thing}": (
        "find {thing} and point at it", "find {thing} and show me where it is",
        "look for {thing} and point it out",
    ),
    "go {thing}; look {thing}": (
        "go to {thing} and look at it", "walk to {thing} and have a close look at it",
    ),
    "look {thing}; wave": (
        "if you see {thing}, wave", "wave when you find {thing}", "wave if you see {thing}",
    ),
    "look {thing}; bow": ("if you see {thing}, bow", "bow when you see {thing}"),
    "go {person}; wave": (
        "come and say hi", "go and greet {person}", "come here and wave",
        "walk to {person} and say hello", "go say hi to {person}", "go wave at {person}",
    ),
    "go {person}; bow": (
        "go to {person} and bow", "come here and take a bow", "go bow to {person}",
    ),
    "go {place}; dance": (
        "dance by {place}", "dance in front of {place}", "go dance at {place}",
        "before dancing, go to {place}", "dance next to {place}",
        "dance once you are at {place}", "dance, but go to {place} first",
    ),
    "go {place}; wave": (
        "wave from {place}", "go wave at {place}", "wave when you get to {place}",
        "before you wave, walk to {place}",
    ),
    "go {place}; bow": ("bow at {place}", "bow in front of {place}", "bow when you reach {place}"),
    "go {place}; wait {seconds}": (
        "wait at {place} for {seconds}", "stand at {place} for {seconds}",
        "go to {place} for {seconds}",
    ),
    "go {place}; wait 3": ("go and wait at {place}", "wait for me by {place}"),
    "go {place}; go {person}": (
        "go to {place} and come back", "walk to {place} and back to me",
        "go to {place} and return to me",
    ),
    "bow; dance": (
        "bow before you dance", "dance, but bow first", "after bowing, dance",
        "before dancing, bow",
    ),
    "dance; bow": (
        "bow after you dance", "dance and take a bow", "after dancing, bow",
        "once you have danced, bow",
    ),
    "wave; bow": ("after waving, bow", "bow after waving", "before you bow, wave"),
    "wave; wave": ("wave twice", "wave two times", "wave and wave again"),
    "wave; wave; wave": ("wave three times", "wave thrice"),
    "bow; bow": ("bow twice", "bow two times"),
    "bow; bow; bow": ("bow three times",),
    "dance; dance": ("dance twice", "dance two times", "dance and then dance again"),
    "turn left 90; go forward {metres}": (
        "turn left and walk {metres}", "take a left and go {metres}",
        "go {metres} after turning left",
    ),
    "turn right 90; go forward {metres}": (
        "turn right and walk {metres}", "take a right and go {metres}",
        "go {metres} after turning right",
    ),
    "turn around; go forward {metres}": (
        "turn around and walk {metres}", "turn round and go {metres}",
    ),
}

REFUSALS: dict[str, tuple[str, ...]] = {
    "refuse unknown_thing": (
        "go to {unknown}", "walk to {unknown}", "look at {unknown}", "find {unknown}",
        "where is {unknown}", "look for {unknown}", "point at {unknown}", "do you see {unknown}",
        "is there {unknown} {on} {place}", "approach {unknown}", "where's {unknown}",
        "point to {unknown}", "face {unknown}", "can you see {unknown}", "search for {unknown}",
        "turn to {unknown}", "show me {unknown}", "is there {unknown}", "walk over to {unknown}",
        "have you seen {unknown}", "stand next to {unknown}", "find {unknown} and point at it",
        "find {unknown} and go to it", "help me find {unknown}",
    ),
    "refuse unknown_place": (
        "go to {nowhere}", "walk to {nowhere}", "go into {nowhere}", "head to {nowhere}",
        "come to {nowhere}", "see what is in {nowhere}", "look what is in {nowhere}",
        "what's in {nowhere}", "point to {nowhere}", "move to {nowhere}", "wait in {nowhere}",
        "go over to {nowhere}", "meet me in {nowhere}", "take a walk to {nowhere}",
        "how do I get to {nowhere}", "return to {nowhere}", "go check {nowhere}",
        "wander around {nowhere}",
    ),
    "refuse impossible": (
        "fly", "fly to {nowhere}", "fly to {place}", "teleport to {place}",
        "walk through the wall", "become invisible", "turn into {unknown}", "stop time",
        "float in the air", "fly around the room", "levitate", "fly up to the ceiling",
        "walk on the ceiling", "travel back in time", "shrink", "grow wings",
        "make {thing} disappear", "turn invisible", "go inside {thing}", "teleport",
        "dig through the floor", "beam yourself to {nowhere}", "walk up the wall",
        "clone yourself", "conjure up {unknown}", "pass through {place}", "fly over {thing}",
        "go forward {far}", "walk {far}", "walk {far} forward", "move back {far}",
        "go {far} to the left", "step right {far}", "wait {long}", "wait for {long}",
        "fly out of the window", "turn {thing} into {unknown}", "dance on the ceiling",
        "move faster than light", "flap your arms and fly",
    ),
    "refuse unsafe": (
        "hit {person}", "set {unknown} on fire", "burn {unknown}", "break {unknown}",
        "light {unknown} up with a match", "punch {person}", "kick {person}", "push {person}",
        "attack {person}", "knock {person} over", "run into {person}",
        "throw {thing} at {person}", "smash {thing}", "break {thing}", "set fire to {place}",
        "burn {place}", "burn {thing}", "run into the wall", "jump out of the window",
        "jump off the roof", "hurt {person}", "slap {person}", "strangle {person}",
        "destroy {thing}", "fall down", "fall over on purpose", "stab {person}", "kill {person}",
        "smash {place}", "cut the power cord", "stick your finger in the socket",
        "shoot {person}", "bang your head against {place}", "trip {person}", "scare {person}",
        "kick over {place}", "beat up {person}", "crash into {place}", "wreck {place}",
        "bite {person}", "shove {person}", "harm {person}", "tip over {place}",
        "hit {person} with {thing}", "poison {person}", "start a fire", "blow up {place}",
        "fight {person}",
    ),
    "refuse unknown_skill": (
        "pick up {thing}", "grab {thing}", "take {thing}", "bring me {thing}",
        "put {thing} {on} {place}", "lift {thing}", "hand me {thing}",
        "give {thing} to {person}", "give me {thing}", "carry {thing} to {place}",
        "fetch {thing}", "pick up {unknown}", "bring me {unknown}", "open {thing}",
        "open the door", "close the door", "sit down", "sit on the sofa", "lie down", "jump",
        "jump up and down", "swim", "sing", "sing a song", "cook dinner", "make tea",
        "make me a sandwich", "sweep the floor", "clean {place}", "wash {thing}",
        "wash the dishes", "mop the floor", "do kung fu", "show some martial arts",
        "kick {thing}", "do a backflip", "do push-ups", "squat", "climb {place}",
        "pour me some water", "water the plant", "turn on the light", "switch off the lights",
        "play music", "draw a picture", "write a letter", "tell me a joke", "play the piano",
        "what's the weather today", "what is one plus one", "what time is it", "order a pizza",
        "call {person}", "take a photo", "push {thing}", "throw {thing} away", "tidy up {place}",
        "wipe {place}", "ride a bike", "drive a car", "cut {thing}", "eat {thing}",
        "drink some water", "fold the laundry", "shake hands", "shake hands with {person}",
        "hug {person}", "clap your hands", "nod", "shake your head", "wink", "do a handstand",
        "stand on one leg", "kneel", "tell me a story", "translate this", "play chess",
        "knock on the door", "move {thing} to {place}", "place {thing} {on} {place}",
        "feed the cat", "walk the dog", "touch {thing}", "count to ten", "crawl", "roll over",
        "do a cartwheel", "whistle", "stretch", "juggle", "peel {thing}",
        "fill {thing} with water", "stack {thing} {on} {thing}", "raise your left hand",
        "put your hands up", "iron my shirt", "vacuum the room", "pass me {thing}",
        "get me {thing}", "drop {thing}", "hold {thing}", "read {thing} to {person}",
        "massage my back", "who won the world cup", "do my homework",
    ),
    "ask which": (
        "go to that thing", "look at that", "point at it", "go to it", "find that thing",
        "walk over to it", "look at it", "go near that one", "point to that", "face that thing",
        "approach it", "turn to it", "stand next to that thing", "find it",
        "look for that thing", "show me that thing", "go to that object", "look at this one",
        "walk to this thing", "where is it",
    ),
    "ask where": (
        "go there", "go over there", "walk over there", "move there", "go somewhere",
        "walk to that place", "head over there", "stand over there", "point over there",
        "turn that way", "go that way", "move somewhere else", "go to the place",
        "walk that way", "go to that spot", "look over there", "go to the usual place",
        "walk away", "move over",
    ),
    "ask what": (
        "do it", "do something", "help me", "help me with this", "do that thing", "robot", "hey",
        "um", "hmm", "you know", "go on", "start", "begin", "do the usual", "the usual please",
        "do whatever", "okay", "yes", "no", "give me a hand", "work", "take care of it",
        "handle it", "what can you do", "what are you able to do", "asdf", "blah blah", "lorem",
        "get to work", "make yourself useful", "help", "you there", "do your thing",
        "I need you", "listen", "are you there", "try it", "now", "well", "again", "what", "why",
        "fix it", "qwerty", "xyz", "I don't know", "let me think", "can you do something for me",
        "assist me", "surprise me", "do it again", "what do you know how to do", "la la la",
    ),
}

POLITE_START = (
    "", "", "", "", "", "", "", "please ", "please ", "could you ", "can you ", "would you ",
    "robot, ", "now ", "hey, ", "hey robot, ", "I want you to ", "I'd like you to ",
    "would you please ", "could you please ", "kindly ", "okay, ", "yanshi, ", "you should ",
    "will you ", "so, ", "um, ", "right, ", "alright, ", "go ahead and ", "I need you to ",
    "would you mind and ", "why don't you ", "just ", "quickly ", "let's see you ",
    "excuse me, ", "be so kind and ",
)
POLITE_END = (
    "", "", "", "", "", "", "", ".", ".", "!", " please", ", please", " please.", " for me", "?",
    " now", " thanks", ", thank you", ", will you", " right now", ", robot", " if you can",
    ", ok?",
)
QUESTION_END = ("", "", "?", "?", "?", " please?", ", robot?")
JOINTS = (
    " and then ", " and then ", ", then ", ", then ", " then ", " and ", " and ", ", ", ", ",
    ", and ", ", after that ", ". Then ", "; ", ". ", ", afterwards ", ", and finally ",
    ", next ", " and after that ", ", followed by: ", " before you ",
)
FIRST = ("", "", "", "", "first ", "first, ", "start by: ")
TEXTS = (
    "hello there my friend", "welcome", "hello everybody", "here I am", "dinner is ready",
    "happy new year", "happy birthday", "thank you all", "please sit down", "follow me",
    "I am leaving", "I found it", "good night", "sweet dreams", "congratulations", "I love you",
    "what a nice day", "the meeting starts", "ready to go", "welcome home", "well done",
    "no problem", "I am a robot", "you are great", "good luck", "mind the step", "excuse me",
    "see you tomorrow", "come and look", "roger", "have a nice trip", "the water is boiling",
    "time to get up", "the show begins", "mission complete", "the door is open", "tea time",
    "lunch is on the table", "hands up", "nice to meet you",
)
SYLLABLES = (
    "we you they today tomorrow will go see read eat drink tea home work open door very good "
    "really can friend mother father teacher child music film spring summer autumn winter wind "
    "flower snow moon mountain river early late fast slow big small high low come walk run "
    "laugh cry think say hear one two three the a is are my your this that"
)

UNKNOWN_THINGS = (
    "drone", "elephant", "guitar", "piano", "television", "tv", "fridge", "refrigerator",
    "washing machine", "phone", "mobile phone", "computer", "laptop", "keyboard", "mouse",
    "headphones", "camera", "umbrella", "keys", "wallet", "glasses", "watch", "hat", "shoes",
    "socks", "shirt", "trousers", "dress", "scarf", "gloves", "towel", "toothbrush",
    "toothpaste", "soap", "mirror", "comb", "scissors", "hammer", "screwdriver", "nail",
    "pencil", "pen", "eraser", "ruler", "newspaper", "letter", "stamp", "map", "candle", "lamp",
    "light bulb", "fan", "air conditioner", "rice cooker", "pot", "pan", "spoon", "chopsticks",
    "fork", "knife", "kettle", "teapot", "microwave", "oven", "toaster", "bread", "cake",
    "cookie", "rice", "noodles", "dumpling", "egg", "milk", "tangerine", "grapes", "watermelon",
    "strawberry", "peach", "pear", "lemon", "pineapple", "mango", "cherry", "tomato", "cucumber",
    "carrot", "potato", "cabbage", "onion", "mushroom", "pepper", "corn", "peanut", "fish",
    "chicken", "duck", "cat", "kitten", "dog", "puppy", "rabbit", "tiger", "lion", "bear",
    "panda", "monkey", "horse", "cow", "sheep", "pig", "rat", "snake", "turtle", "frog",
    "butterfly", "bee", "dinosaur", "giraffe", "penguin", "whale", "car", "train", "aeroplane",
    "bicycle", "motorcycle", "ship", "rocket", "truck", "bed", "chair", "stool", "pillow",
    "blanket", "curtain", "carpet", "clock", "alarm clock", "vase", "painting", "photo", "toy",
    "doll", "balloon", "kite", "skateboard", "violin", "drum", "flute", "microphone",
    "remote control", "charger", "battery", "coin", "diamond", "ring", "necklace", "suitcase",
    "backpack", "trash can lid", "broom", "mop", "bucket", "ladder", "stone", "leaf", "feather",
    "snowman", "alien", "unicorn", "dragon", "robot dog", "microscope", "telescope", "medicine",
    "mask", "bandage", "candy", "salt", "chocolate", "ice cream", "coffee machine", "pizza",
    "hamburger", "cheese", "crab", "shrimp", "octopus", "puzzle", "playing cards", "dice",
    "printer", "projector", "speaker", "tablet", "router", "socket", "tap", "toilet", "bathtub",
    "lock", "rope", "tape", "tissue", "envelope", "crown", "sword", "helmet", "bell", "whistle",
    "anchor", "camel", "spider", "eagle", "tractor", "submarine", "cactus",
)
UNKNOWN_PLACES = (
    "the kitchen", "the bedroom", "the bathroom", "the toilet", "the balcony", "the garage",
    "the garden", "the yard", "the basement", "the attic", "the office", "the meeting room",
    "the classroom", "school", "the hospital", "the supermarket", "the shop", "the bank",
    "the park", "the train station", "the airport", "the subway", "the library", "the cinema",
    "the restaurant", "the hotel", "upstairs", "downstairs", "the corridor", "the lift",
    "the stairs", "the roof", "the street", "outside", "Beijing", "Shanghai", "America", "Paris",
    "the Great Wall", "Mars", "the moon", "the beach", "the mountain", "the forest", "next door",
    "the neighbour's house", "the warehouse", "the swimming pool", "the gym", "the guest room",
    "the study", "the laundry room", "the car park", "the petrol station", "the post office",
    "the zoo", "the museum", "space", "the factory", "the lab", "the canteen", "the playground",
    "the square", "Tokyo", "the desert", "the river", "the lake", "the bridge", "the village",
    "the city", "the hallway", "London", "heaven",
)
